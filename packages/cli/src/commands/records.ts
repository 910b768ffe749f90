import { createParser, RecordsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { withQuery } from '../gateway-client.ts'
import {
  type GatewayOptions,
  openGateway,
  parseWhen,
  parseWhole,
  withGateway,
} from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface RecordsOptions extends GatewayOptions {
  since?: string
  until?: string
  limit: number
}

export function registerRecords(program: Command, terminal: Terminal): void {
  withGateway(program.command('records'))
    .description('Lists what still lies in the streams, newest first.')
    .argument('[subjects...]', 'filters such as corro.ack.>; without them everything')
    .option('--since <when>', 'so long ago (10m, 2h, 1d) or an ISO time (default: 1h)', parseWhen)
    .option('--until <when>', 'so long ago or an ISO time (default: now)', parseWhen)
    .option('--limit <count>', 'at most so many', parseWhole(1, 5000), 50)
    .addHelpText(
      'after',
      `
What does not fit the contract of its subject is marked and says why.

Examples:
  $ corroport records 'corro.ack.>' --since 5m
  $ corroport records 'corro.audit.>' 'corro.config.>' --since 7d --json | jq '.records[].payload'`,
    )
    .action(
      terminal.action(async (subjects: string[], options: RecordsOptions) => {
        const { since, until, limit } = options
        const list = subjects.length === 0 ? undefined : subjects.join(',')
        const reply = await openGateway(options, terminal).get(
          withQuery('/api/records', { subjects: list, since, until, limit }),
          createParser('records', RecordsReply),
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['STORED', 'SUBJECT', 'VIOLATION', 'PAYLOAD'],
          reply.records.map(({ stored_at, subject, violation, payload }) => [
            stored_at,
            subject,
            { text: violation ?? '', style: 'red' },
            typeof payload === 'string' ? payload : JSON.stringify(payload),
          ]),
          terminal,
        )
        if (reply.is_cut) terminal.note(`the newest ${reply.count}; --limit and --until show more`)
        return 'ok'
      }),
    )
}
