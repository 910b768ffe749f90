import { setTimeout as wait } from 'node:timers/promises'
import {
  createParser,
  type MessageDetail,
  MessageDetailReply,
  SendReply,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { formatDuration } from '../duration.ts'
import { type Exit, Failure } from '../failure.ts'
import { type Gateway, isPassing } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface SendOptions extends GatewayOptions {
  direct?: boolean
  /** Seconds; false with `--no-wait`. */
  wait: number | false
}

const pollMs = 30

export function registerSend(program: Command, terminal: Terminal): void {
  withGateway(program.command('send'))
    .summary('send a message and see who acknowledges it')
    .description(
      'Sends a message and prints who acknowledged it, with the round trip by the clock of the origin.',
    )
    .argument('[text]', 'the message; otherwise standard input, less its last newline')
    .option('--direct', 'straight over NATS, not through Corrosion')
    .addOption(
      new Option('--wait [seconds]', 'wait for the acknowledgements')
        .default(10)
        .preset('10')
        .argParser(parseSeconds),
    )
    .option('--no-wait', 'do not wait for them')
    .addHelpText(
      'after',
      `
Exits with 3 when not all expected nodes acknowledged in time.

Examples:
  $ corroport send hello
  $ corroport send hello --direct --node 2 --wait 3
  $ uptime | corroport send --json`,
    )
    .action(
      terminal.action(async (argument: string | undefined, options: SendOptions) => {
        const gateway = openGateway(options, terminal)
        const text = argument ?? (await terminal.readInput()) ?? `hello from ${gateway.name}`
        if (text === '') {
          throw new Failure('nothing to send: give a text as an argument or on standard input')
        }
        const path = options.direct ? '/api/messages/send_direct' : '/api/messages/send'
        const reply = await gateway.post(path, { content: text }, createParser('reply', SendReply))
        return options.wait === false
          ? showSent(reply, options, terminal)
          : showAcknowledgements(reply.message, options.wait, options, gateway, terminal)
      }),
    )
}

function parseSeconds(text: string): number {
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds > 0)) {
    throw new InvalidArgumentError('Give seconds, or put the text of the message before --wait.')
  }
  return seconds
}

function showSent(reply: SendReply, options: SendOptions, terminal: Terminal): Exit {
  if (options.json) terminal.printJson(reply)
  else terminal.print(reply.message.pk)
  return 'ok'
}

async function showAcknowledgements(
  { pk, node_id, transport, expected }: SendReply['message'],
  seconds: number,
  options: SendOptions,
  gateway: Gateway,
  terminal: Terminal,
): Promise<Exit> {
  const say = options.json ? () => undefined : (...parts: Part[]) => terminal.print(...parts)
  const waitingFor = expected.length === 0 ? 'no other node' : expected.join(', ')
  say({ text: pk, style: 'bold' }, ` sent by ${node_id} (${transport}), waits for ${waitingFor}`)

  const told = new Set<string>()
  const detail = await untilAcknowledged(gateway, pk, seconds * 1000, ({ acks }) => {
    for (const ack of acks) {
      if (told.has(ack.node_id)) continue
      told.add(ack.node_id)
      const attempts = ack.attempts === 1 ? '' : `, attempt ${ack.attempts}`
      const roundTrip = formatDuration(ack.round_trip_ms)
      say('  ', { text: ack.node_id, style: 'green' }, ` ${roundTrip} (via ${ack.via}${attempts})`)
    }
  })

  if (!detail) throw new Failure(`${pk} was sent; the gateway was away since`, { exit: 'missing' })
  if (options.json) terminal.printJson(detail)
  if (detail.status === 'failed') {
    throw new Failure(`${pk} was not sent: ${detail.reason ?? 'no reason given'}`)
  }
  for (const nodeId of detail.missing) {
    say('  ', { text: nodeId, style: 'red' }, ` missing after ${seconds} s`)
  }
  const acknowledged = detail.expected.length - detail.missing.length
  say(`${acknowledged} of ${detail.expected.length} acknowledged`)
  return detail.missing.length === 0 ? 'ok' : 'missing'
}

/** The last that the origin said; undefined when it said nothing. */
async function untilAcknowledged(
  gateway: Gateway,
  pk: string,
  timeoutMs: number,
  onDetail: (detail: MessageDetail) => void,
): Promise<MessageDetail | undefined> {
  const parse = createParser('message', MessageDetailReply)
  const path = `/api/messages/${encodeURIComponent(pk)}`
  const deadline = performance.now() + timeoutMs
  let detail: MessageDetail | undefined
  for (;;) {
    try {
      detail = await gateway.get(path, parse)
      onDetail(detail)
      if (detail.status === 'failed' || detail.missing.length === 0) return detail
    } catch (error) {
      // The gateway may be restarting: what it tracks survives that.
      if (!isPassing(error)) throw error
    }
    if (performance.now() >= deadline) return detail
    await wait(Math.min(pollMs, Math.max(0, deadline - performance.now())))
  }
}
