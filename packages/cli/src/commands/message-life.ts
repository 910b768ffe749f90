import { createParser, type MessageLifeReply as Life, MessageLifeReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from '../duration.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerLife(messages: Command, terminal: Terminal): void {
  withGateway(messages.command('life'))
    .description('Shows one message on every node: its row, its reception, its acknowledgement.')
    .argument('<key>', 'key of the message, as send prints it')
    .addHelpText(
      'after',
      `
Exits with 3 while acknowledgements are missing, with 4 when its origin does not answer.

Example:
  $ corroport messages life node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A`,
    )
    .action(
      terminal.action(async (key: string, _: GatewayOptions, command: Command) => {
        // `messages` has the same options, and takes them first wherever they stand.
        const options = command.optsWithGlobals<GatewayOptions>()
        const life = await openGateway(options, terminal).get(
          `/api/messages/${encodeURIComponent(key)}/life`,
          createParser('life of a message', MessageLifeReply),
        )
        if (options.json) terminal.printJson(life)
        else show(key, life, terminal)
        if (life.message === null) return 'degraded'
        if (life.message.status === 'failed') return 'failed'
        return life.message.missing.length === 0 ? 'ok' : 'missing'
      }),
    )
}

function show(key: string, { message, message_error, nodes }: Life, terminal: Terminal): void {
  terminal.print({ text: key, style: 'bold' })
  terminal.print(
    message === null
      ? { text: message_error ?? 'its origin does not know it', style: 'red' }
      : `${message.status}, ${message.transport}, by ${message.node_id}, sent ${message.sent_at}`,
  )
  printTable(
    ['NODE', 'ROW', 'SEEN', 'VIA', 'TIMES', 'ACKNOWLEDGED', 'NOTE'],
    nodes.map((node) => [
      node.is_origin ? `${node.node_id} *` : node.node_id,
      node.row === 'present' ? node.row : { text: node.row, style: 'yellow' },
      node.reception?.first_seen ?? '',
      node.reception?.via ?? '',
      node.reception ? String(node.reception.reception_count) : '',
      acknowledgement(node),
      node.error ?? '',
    ]),
    terminal,
  )
}

function acknowledgement({ round_trip_ms, waiting_ms }: Life['nodes'][number]): Part {
  if (round_trip_ms !== null) {
    return { text: `after ${formatDuration(round_trip_ms)}`, style: 'green' }
  }
  return waiting_ms === null ? '' : { text: `missing ${formatDuration(waiting_ms)}`, style: 'red' }
}
