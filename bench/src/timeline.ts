import { aborted, type Bus, tail } from '@corroport/bus'
import {
  ackReceived,
  changeObserved,
  fromTimestamp,
  messageAccepted,
  messageSent,
  nowMicroseconds,
  type RecordDefinition,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'

/** When things happened to messages, in microseconds, all by this machine's one clock. */
export interface Timeline extends AsyncDisposable {
  sent: Map<string, number>
  accepted: Map<string, number>
  /** The line of the raw updates feed arrived here. */
  rawUpdates: Map<string, number>
  /** The line of the raw subscription stream arrived here. */
  rawSubscription: Map<string, number>
  /** change.observed of the watched node arrived here, from NATS. */
  observed: Map<string, number>
  roundTripsMs: { messageId: string; ackNodeId: string; roundTripMs: number }[]
}

export interface TimelineOptions {
  bus: Bus
  log: Logger
  /** Whose change.observed is watched, and whose agent's raw feeds are read. */
  watched: { nodeId: string; agentUrl: string }
}

/** Watches one node through its agent's raw feeds and, beside them, through NATS. */
export async function watchTimeline(options: TimelineOptions): Promise<Timeline> {
  const { bus, log, watched } = options
  const stack = new AsyncDisposableStack()
  const stopping = new AbortController()
  const client = stack.use(createCorrosionClient({ url: watched.agentUrl }))
  const timeline = {
    sent: new Map<string, number>(),
    accepted: new Map<string, number>(),
    rawUpdates: new Map<string, number>(),
    rawSubscription: new Map<string, number>(),
    observed: new Map<string, number>(),
    roundTripsMs: [] as Timeline['roundTripsMs'],
  }
  const first = (map: Map<string, number>, key: unknown): void => {
    const name = String(key)
    if (!map.has(name)) map.set(name, nowMicroseconds())
  }
  const onceLost = (error: unknown): void => {
    if (!stopping.signal.aborted) log.error({ err: error }, 'a raw feed was lost')
  }

  const updates = await client.updates('node_messages', { signal: stopping.signal })
  const readingUpdates = (async () => {
    for await (const { key } of updates.events) first(timeline.rawUpdates, key[0])
  })().catch(onceLost)

  const subscription = await client.subscribe('SELECT pk, node_id, message FROM node_messages', {
    signal: stopping.signal,
  })
  const readingSubscription = (async () => {
    for await (const event of subscription.events) {
      if (event.kind === 'change') first(timeline.rawSubscription, event.cells[0])
    }
  })().catch(onceLost)

  // As anyone hears it: an ordinary subscription, not a read of the stream.
  stack.use(
    bus.onConnected(async ({ nats }, signal) => {
      const subscription = nats.subscribe(changeObserved.filter({ nodeId: watched.nodeId }), {
        callback: (_, message) => {
          const change = changeObserved.parse(message.json())
          if (change.table === 'node_messages') first(timeline.observed, change.key[0])
        },
      })
      await aborted(signal)
      subscription.unsubscribe()
    }),
  )
  const is = (event: RecordDefinition, subject: string): boolean =>
    subject.startsWith(event.wildcard.slice(0, event.wildcard.indexOf('*')))
  stack.use(
    tail({
      bus,
      log,
      onGap: (gap) => log.error(gap, 'records were lost'),
      onRecord: ({ subject, text }) => {
        if (is(ackReceived, subject)) {
          timeline.roundTripsMs.push(ackReceived.parse(JSON.parse(text)))
        } else if (is(messageSent, subject)) {
          const { messageId, sentAt } = messageSent.parse(JSON.parse(text))
          timeline.sent.set(messageId, fromTimestamp(sentAt) ?? 0)
        } else if (is(messageAccepted, subject)) {
          const { messageId, acceptedAt } = messageAccepted.parse(JSON.parse(text))
          timeline.accepted.set(messageId, fromTimestamp(acceptedAt) ?? 0)
        }
      },
    }),
  )
  return Object.assign(timeline, {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all([readingUpdates, readingSubscription])
      await stack.disposeAsync()
    },
  })
}

/** Milliseconds from one map's time to another's, for the messages that have both. */
export function between(from: Map<string, number>, to: Map<string, number>): number[] {
  return [...from].flatMap(([messageId, start]) => {
    const end = to.get(messageId)
    return end === undefined ? [] : [(end - start) / 1000]
  })
}
