import { aborted, type Bus } from '@corroport/bus'
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
import type { Static, TSchema } from 'typebox'

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
  const first = (map: Map<string, number>, key: unknown, at = nowMicroseconds()): void => {
    const name = String(key)
    if (!map.has(name)) map.set(name, at)
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

  // As anyone hears them: ordinary subscriptions, which cost the least beside what is measured.
  stack.use(
    bus.onConnected(async ({ nats }, signal) => {
      const hear = <S extends TSchema>(
        subject: string,
        event: RecordDefinition<string, S>,
        note: (payload: Static<S>, receivedAt: number) => void,
      ) =>
        nats.subscribe(subject, {
          callback(_, message) {
            const receivedAt = nowMicroseconds()
            note(event.parse(message.json()), receivedAt)
          },
        })
      const { nodeId } = watched
      const subscriptions = [
        hear(changeObserved.filter({ nodeId }), changeObserved, ({ table, key }, receivedAt) => {
          if (table === 'node_messages') first(timeline.observed, key[0], receivedAt)
        }),
        hear(ackReceived.wildcard, ackReceived, (ack) => void timeline.roundTripsMs.push(ack)),
        hear(messageSent.wildcard, messageSent, ({ messageId, sentAt }) => {
          timeline.sent.set(messageId, fromTimestamp(sentAt) ?? 0)
        }),
        hear(messageAccepted.wildcard, messageAccepted, ({ messageId, acceptedAt }) => {
          timeline.accepted.set(messageId, fromTimestamp(acceptedAt) ?? 0)
        }),
      ]
      await aborted(signal)
      for (const one of subscriptions) one.unsubscribe()
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
