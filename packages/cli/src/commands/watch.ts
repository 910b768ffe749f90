import { setTimeout as wait } from 'node:timers/promises'
import {
  ackFailed,
  ackReceived,
  ackSent,
  ContractError,
  createParser,
  LiveEvent,
  LiveNotice,
  liveNotices,
  messageAccepted,
  messageFailed,
  messageReceived,
  messageSent,
  messageSuspected,
  type Parse,
  type RecordDefinition,
} from '@corroport/contracts'
import type { Command } from 'commander'
import type { Static, TSchema } from 'typebox'
import { formatDuration, formatTimeOfDay } from '../duration.ts'
import { type Gateway, isPassing, UnreachedError, withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'
import { fit } from '../text.ts'

const longestPauseMs = 5000

const notices: readonly string[] = liveNotices

export function registerWatch(program: Command, terminal: Terminal): void {
  withGateway(program.command('watch'))
    .description('Prints messages and acknowledgements of all nodes as they happen.')
    .addHelpText(
      'after',
      `
Times are those of this machine, in UTC. A lost connection is resumed where it was, also that of the
gateway to NATS ("away", "back"); what can no longer be told is said to be a gap.

Examples:
  $ corroport watch
  $ corroport watch --json | jq -c 'select(.subject | startswith("corro.ack."))'`,
    )
    .action(
      terminal.action(async (options: GatewayOptions): Promise<never> => {
        const gateway = openGateway(options, terminal)
        const parse = createParser('event', LiveEvent)
        const parseNotice = createParser('notice', LiveNotice)
        return await follow(gateway, terminal, (type, data) => {
          if (notices.includes(type)) {
            const { stream, reason } = parseNotice(JSON.parse(data))
            const about = stream === undefined ? '' : ` ${stream}`
            const why = reason === undefined ? '' : `: ${reason}`
            terminal.note({ text: `${type}${about}${why}`, style: 'yellow' })
            return
          }
          const event = parse(JSON.parse(data))
          if (options.json) {
            terminal.printJson(event, 'line')
            return
          }
          const fact = factOf(event.subject)
          const text = `${formatTimeOfDay(new Date())}  ${fact.padEnd(17)}  ${describe(event)}`
          terminal.print(fit(text, terminal.width))
        })
      }),
    )
}

/** Calls back with each event, over as many connections as it takes. Throws if the first fails. */
async function follow(
  gateway: Gateway,
  terminal: Terminal,
  onEvent: (type: string, data: string) => void,
): Promise<never> {
  const path = withQuery('/api/events', { topics: 'messages' })
  let lastEventId: string | undefined
  let events = await gateway.openEvents(path)
  terminal.note(`watching ${gateway.name}`)
  for (;;) {
    let reason = 'the stream ended'
    try {
      for await (const event of events) {
        lastEventId = event.id
        if (event.data !== undefined) onEvent(event.type, event.data)
      }
    } catch (error) {
      if (!(error instanceof UnreachedError)) throw error
      reason = 'the connection broke'
    }
    terminal.note({ text: `${reason}, trying again`, style: 'yellow' })
    events = await openAgain(gateway, path, lastEventId)
    terminal.note(`watching ${gateway.name} again`)
  }
}

async function openAgain(
  gateway: Gateway,
  path: string,
  lastEventId: string | undefined,
): ReturnType<Gateway['openEvents']> {
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    await wait(pauseMs * (0.5 + Math.random() / 2))
    try {
      return await gateway.openEvents(path, lastEventId)
    } catch (error) {
      if (!isPassing(error)) throw error
    }
  }
}

interface Sentence {
  fact: string
  tell: (payload: unknown) => string
}

function sentence<T extends string, S extends TSchema>(
  event: RecordDefinition<T, S>,
  tell: (payload: Static<S>) => string,
): Sentence {
  const parse: Parse<S> = event.parse
  return { fact: factOf(event.template), tell: (payload) => tell(parse(payload)) }
}

const sentences = [
  sentence(messageSent, ({ messageId, nodeId, transport, sizeBytes, expected }) => {
    const names = expected.map((node) => node.nodeId).join(', ') || 'nobody'
    return `${messageId} by ${nodeId}, ${transport}, ${sizeBytes} bytes, expects ${names}`
  }),
  sentence(messageAccepted, ({ messageId, wasReadBack }) =>
    wasReadBack ? `${messageId} (found afterwards)` : messageId,
  ),
  sentence(messageFailed, ({ messageId, reason }) => `${messageId}: ${reason}`),
  sentence(messageReceived, ({ messageId, nodeId, via }) => `${messageId} at ${nodeId} via ${via}`),
  sentence(
    messageSuspected,
    ({ messageId, nodeId, reason }) => `${messageId} at ${nodeId}: ${reason}`,
  ),
  sentence(ackSent, ({ messageId, nodeId, originNodeId, attempts }) => {
    const which = attempts > 1 ? `, attempt ${attempts}` : ''
    return `${messageId} by ${nodeId} to ${originNodeId}${which}`
  }),
  sentence(ackFailed, ({ messageId, nodeId, reason }) => `${messageId} by ${nodeId}: ${reason}`),
  sentence(
    ackReceived,
    ({ messageId, ackNodeId, roundTripMs, via }) =>
      `${messageId} by ${ackNodeId} after ${formatDuration(roundTripMs)} via ${via}`,
  ),
]

function describe({ subject, payload }: LiveEvent): string {
  const found = sentences.find(({ fact }) => fact === factOf(subject))
  try {
    if (found) return found.tell(payload)
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    return error.message
  }
  return JSON.stringify(payload)
}

/** `corro.ack.received.node1` and its template: `ack.received`. */
function factOf(subject: string): string {
  return subject.split('.').slice(1, 3).join('.')
}
