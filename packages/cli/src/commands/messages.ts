import {
  createParser,
  type MessageDetail,
  MessageDetailReply,
  MessagesReply,
} from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from '../duration.ts'
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
import { registerLife } from './message-life.ts'

interface MessagesOptions extends GatewayOptions {
  limit: number
  by?: string
  region?: string
  since?: string
  until?: string
  before?: string
}

export function registerMessages(program: Command, terminal: Terminal): void {
  const messages = withGateway(program.command('messages'))
    .description('Lists the messages that a node has, newest first.')
    .option('--limit <count>', 'at most so many', parseWhole(1, 1000), 20)
    .option('--by <node>', 'sent by this node')
    .option('--region <region>', 'sent from this region')
    .option('--since <when>', 'so long ago (10m, 2h, 1d) or an ISO time', parseWhen)
    .option('--until <when>', 'before that time: so long ago, or an ISO time', parseWhen)
    .option('--before <cursor>', 'the page after this one, as its last line says')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport messages --since 10m --by node2
  $ corroport messages --since 2h --until 1h
  $ corroport messages --limit 1000 --json | jq -r '.messages[].pk'`,
    )
    .action(
      terminal.action(async (options: MessagesOptions) => {
        const { limit, by, region, since, until, before } = options
        const reply = await openGateway(options, terminal).get(
          withQuery('/api/messages', { limit, node: by, region, since, until, before }),
          createParser('messages', MessagesReply),
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['TIME', 'FROM', 'REGION', 'KEY', 'MESSAGE'],
          reply.messages.map((message) => [
            message.timestamp,
            message.node_id,
            message.region,
            message.pk,
            message.message,
          ]),
          terminal,
        )
        if (reply.next !== null) terminal.note(`older: --before ${reply.next}`)
        return 'ok'
      }),
    )
  registerLife(messages, terminal)
}

export function registerMessage(program: Command, terminal: Terminal): void {
  withGateway(program.command('message'))
    .description('Shows who was expected to acknowledge a message, who did and who did not.')
    .argument('<key>', 'key of the message, as send prints it')
    .addHelpText(
      'after',
      `
Exits with 3 while acknowledgements are missing.

Example:
  $ corroport message node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A`,
    )
    .action(
      terminal.action(async (key: string, options: GatewayOptions) => {
        const detail = await openGateway(options, terminal).get(
          `/api/messages/${encodeURIComponent(key)}`,
          createParser('message', MessageDetailReply),
        )
        if (options.json) terminal.printJson(detail)
        else showDetail(detail, terminal)
        if (detail.status === 'failed') return 'failed'
        return detail.missing.length === 0 ? 'ok' : 'missing'
      }),
    )
}

function showDetail(detail: MessageDetail, terminal: Terminal): void {
  const reason = detail.reason === null ? '' : `: ${detail.reason}`
  terminal.print({ text: detail.pk, style: 'bold' })
  terminal.print(`${detail.status}${reason}, ${detail.transport}, by ${detail.node_id}`)
  terminal.print(`sent ${detail.sent_at}, accepted ${detail.accepted_at ?? 'not yet'}`)
  const expected = new Map(detail.expected.map((node) => [node.node_id, node]))
  const absence = (nodeId: string): string => {
    const node = expected.get(nodeId)
    if (!node) return 'was not expected'
    return node.was_present ? '' : 'was not announced when it was sent'
  }
  printTable(
    ['NODE', 'ROUND TRIP', 'VIA', 'ATTEMPTS', 'ACKNOWLEDGED', 'NOTE'],
    [
      ...detail.missing.map((nodeId) => [
        { text: nodeId, style: 'red' } as const,
        'missing',
        '',
        '',
        '',
        absence(nodeId),
      ]),
      ...detail.acks.map((ack) => [
        { text: ack.node_id, style: 'green' } as const,
        formatDuration(ack.round_trip_ms),
        ack.via,
        String(ack.attempts),
        ack.acknowledged_at,
        absence(ack.node_id),
      ]),
    ],
    terminal,
  )
}
