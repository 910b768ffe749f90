import type { MessageDetail, Transport } from '@corroport/contracts'
import type { Payloads } from '../../live/payloads.ts'

export interface Arrival {
  nodeId: string
  roundTripMs: number
  via: string
  attempts: number
}

/** One message from its origin to everybody who should acknowledge it. */
export interface Journey {
  messageId: string
  origin: string
  transport: Transport
  sentAt: string
  state: 'sent' | 'accepted' | 'failed'
  reason: string | null
  expected: readonly { nodeId: string; wasPresent: boolean }[]
  /** In the order of their arrival. */
  acks: readonly Arrival[]
}

export function missingOf({ expected, acks }: Journey): string[] {
  const arrived = new Set(acks.map(({ nodeId }) => nodeId))
  return expected.flatMap(({ nodeId }) => (arrived.has(nodeId) ? [] : nodeId))
}

const mostNames = 5

/** The first names; of a large cluster the rest is only counted. */
export function namesOf(ids: readonly string[]): string {
  const others = ids.length - mostNames
  const names = ids.slice(0, mostNames).join(', ')
  return others > 0 ? `${names} and ${others} others` : names
}

export function toJourney(detail: MessageDetail): Journey {
  return {
    messageId: detail.pk,
    origin: detail.node_id,
    transport: detail.transport,
    sentAt: detail.sent_at,
    state: detail.status,
    reason: detail.reason,
    expected: detail.expected.map(({ node_id, was_present }) => ({
      nodeId: node_id,
      wasPresent: was_present,
    })),
    acks: detail.acks
      .map(({ node_id, round_trip_ms, via, attempts }) => ({
        nodeId: node_id,
        roundTripMs: round_trip_ms,
        via,
        attempts,
      }))
      .toSorted((a, b) => a.roundTripMs - b.roundTripMs),
  }
}

/** What came as events with what was asked for: each may lack what the other one has. */
export function merged(live: Journey, asked: Journey): Journey {
  return {
    ...(asked.state === 'sent' ? live : asked),
    acks: live.acks.length >= asked.acks.length ? live.acks : asked.acks,
  }
}

export type JourneyEvent = {
  [Name in 'message.sent' | 'message.accepted' | 'message.failed' | 'ack.received']: {
    name: Name
    payload: Payloads[Name]
  }
}['message.sent' | 'message.accepted' | 'message.failed' | 'ack.received']

const keptJourneys = 200

/**
 * What is known after one more event. The newest message stands last; of more than 200 the oldest are
 * forgotten. An event of a message whose beginning was not seen changes nothing.
 */
export function afterEvent(
  journeys: ReadonlyMap<string, Journey>,
  { name, payload }: JourneyEvent,
): ReadonlyMap<string, Journey> {
  const { messageId } = payload
  if (name === 'message.sent') {
    const next = new Map(journeys)
    next.set(messageId, {
      messageId,
      origin: payload.nodeId,
      transport: payload.transport,
      sentAt: payload.sentAt,
      state: 'sent',
      reason: null,
      expected: payload.expected,
      acks: [],
    })
    for (const oldest of next.keys()) {
      if (next.size <= keptJourneys) break
      next.delete(oldest)
    }
    return next
  }
  const journey = journeys.get(messageId)
  if (!journey) return journeys
  return new Map(journeys).set(messageId, moved(journey, { name, payload } as JourneyEvent))
}

function moved(journey: Journey, { name, payload }: JourneyEvent): Journey {
  switch (name) {
    case 'message.accepted':
      return { ...journey, state: 'accepted' }
    case 'message.failed':
      return { ...journey, state: 'failed', reason: payload.reason }
    case 'ack.received': {
      const { ackNodeId, roundTripMs, via, attempts } = payload
      if (journey.acks.some(({ nodeId }) => nodeId === ackNodeId)) return journey
      const acks = [...journey.acks, { nodeId: ackNodeId, roundTripMs, via, attempts }]
      return { ...journey, acks: acks.toSorted((a, b) => a.roundTripMs - b.roundTripMs) }
    }
    case 'message.sent':
      return journey
    default:
      return name satisfies never
  }
}

const followed: readonly string[] = [
  'message.sent',
  'message.accepted',
  'message.failed',
  'ack.received',
]

/** An event of the stream, or a record of the past, when it is one that moves a journey. */
export function toJourneyEvent(event: {
  name: string
  payload: unknown
  violation?: string | null
}): JourneyEvent | undefined {
  if (!followed.includes(event.name) || (event.violation ?? null) !== null) return undefined
  return { name: event.name, payload: event.payload } as JourneyEvent
}
