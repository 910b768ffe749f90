import type { Transport } from '@corroport/contracts'
import type { NamedEvent } from '../../live/live.ts'
import { type Payloads, payloadOf } from '../../live/payloads.ts'

/** What events told of one message. */
export interface Track {
  pk: string
  nodeId: string
  transport: Transport
  status: 'sent' | 'accepted' | 'failed'
  reason: string | null
  /** Null where the event of its sending was not heard; nothing else is sure then. */
  sent: Payloads['message.sent'] | null
  acks: number
}

interface Tracks {
  /** Events in any order, and any of them again. True when one of them was of a message. */
  take(events: readonly NamedEvent[]): boolean
  list(): Track[]
}

interface Kept extends Track {
  acknowledgedBy: Set<string>
}

const mostTracks = 500
// The oldest are looked for once in so many.
const slack = 100

export const trackedSubjects =
  'corro.message.sent.*,corro.message.accepted.*,corro.message.failed.*,corro.ack.received.*'

/** Remembers the newest 500 messages. */
export function createTracks(): Tracks {
  const kept = new Map<string, Kept>()
  // Each event brings its own copies of the few names that there are.
  const names = new Map<string, string>()

  const find = (messageId: string, nodeId: string, transport: Transport): Kept => {
    const found = kept.get(messageId)
    if (found) return found
    const state = { status: 'sent', reason: null, sent: null, acks: 0 } as const
    const made = { pk: messageId, nodeId, transport, ...state, acknowledgedBy: new Set<string>() }
    kept.set(messageId, made)
    return made
  }

  const takeOne = (event: NamedEvent): boolean => {
    const sent = payloadOf(event, 'message.sent')
    if (sent) find(sent.messageId, sent.nodeId, sent.transport).sent = sent
    const accepted = payloadOf(event, 'message.accepted')
    if (accepted) {
      find(accepted.messageId, accepted.nodeId, accepted.transport).status = 'accepted'
    }
    const failed = payloadOf(event, 'message.failed')
    if (failed) {
      const track = find(failed.messageId, failed.nodeId, failed.transport)
      track.status = 'failed'
      track.reason = failed.reason
    }
    const ack = payloadOf(event, 'ack.received')
    if (ack) {
      const name = names.get(ack.ackNodeId) ?? ack.ackNodeId
      names.set(name, name)
      const track = find(ack.messageId, ack.nodeId, ack.transport)
      track.acknowledgedBy.add(name)
      track.acks = track.acknowledgedBy.size
    }
    return Boolean(sent ?? accepted ?? failed ?? ack)
  }

  return {
    take(events) {
      let isNews = false
      for (const event of events) isNews = takeOne(event) || isNews
      if (kept.size > mostTracks + slack) {
        const byAge = [...kept.keys()].toSorted((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
        for (const pk of byAge.slice(0, kept.size - mostTracks)) kept.delete(pk)
      }
      return isNews
    },
    list: () => [...kept.values()].map(({ acknowledgedBy: _names, ...track }) => track),
  }
}

/** The ULID at the end of a key sorts by time. */
function timeOf(pk: string): string {
  return pk.slice(-26)
}
