import { createParser, ReceptionsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface ReceptionsOptions extends GatewayOptions {
  pk?: string
  min: number
  limit: number
}

export function registerReceptions(program: Command, terminal: Terminal): void {
  withGateway(program.command('receptions'))
    .description('Shows how often a node saw messages of others, last seen first.')
    .option('--pk <key>', 'of this message only')
    .option('--min <count>', 'seen at least so often', parseWhole(1, 1_000_000), 1)
    .option('--limit <count>', 'at most so many', parseWhole(1, 1000), 100)
    .addHelpText(
      'after',
      `
COUNT is the times that a state of the row was observed; gossip copies that changed nothing
cannot be seen.

Examples:
  $ corroport receptions --node 2 --min 2
  $ corroport receptions --pk node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A --json`,
    )
    .action(
      terminal.action(async (options: ReceptionsOptions) => {
        const { pk, min, limit } = options
        const reply = await openGateway(options, terminal).get(
          withQuery('/api/receptions', { pk, min, limit }),
          createParser('receptions', ReceptionsReply),
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['KEY', 'FROM', 'COUNT', 'VIA', 'FIRST SEEN', 'LAST SEEN', 'ACKNOWLEDGEMENT'],
          reply.receptions.map((reception) => [
            reception.pk,
            reception.origin_node_id,
            String(reception.reception_count),
            reception.via,
            reception.first_seen,
            reception.last_seen,
            reception.acknowledgement === 'confirmed'
              ? reception.acknowledgement
              : { text: reception.acknowledgement, style: 'yellow' },
          ]),
          terminal,
        )
        if (reply.total > reply.count) terminal.note(`${reply.count} of ${reply.total}`)
        return 'ok'
      }),
    )
}
