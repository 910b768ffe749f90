import type {
  AuditNoted,
  ackReceived,
  experimentFinished,
  experimentProgressed,
  experimentStarted,
  messageAccepted,
  messageFailed,
  messageReceived,
  messageSent,
  NodeAnnounced,
  NodeSampled,
  operationChanged,
  rolloutChanged,
  StoredRecord,
} from '@corroport/contracts'
import type { Static } from 'typebox'
import type { NamedEvent } from './live.ts'

/** The payloads of the events that pages look into, by name. */
export interface Payloads {
  'message.sent': Static<typeof messageSent.schema>
  'message.accepted': Static<typeof messageAccepted.schema>
  'message.failed': Static<typeof messageFailed.schema>
  'message.received': Static<typeof messageReceived.schema>
  'ack.received': Static<typeof ackReceived.schema>
  'audit.noted': AuditNoted
  'hint.node': NodeAnnounced
  'hint.experiment': Static<typeof experimentProgressed.schema>
  'experiment.started': Static<typeof experimentStarted.schema>
  'experiment.finished': Static<typeof experimentFinished.schema>
  'node.sampled': NodeSampled
  'operation.changed': Static<typeof operationChanged.schema>
  'rollout.changed': Static<typeof rolloutChanged.schema>
}

/** The payload of an event of this name that fits its contract; otherwise undefined. */
export function payloadOf<Name extends keyof Payloads>(
  event: NamedEvent,
  name: Name,
): Payloads[Name] | undefined {
  // The gateway checks each record and marks those that do not fit.
  if (event.name !== name || event.violation !== undefined) return undefined
  return event.payload as Payloads[Name]
}

/** A record of the past as the event that it was. */
export function eventOf({ subject, violation, payload, stored_at }: StoredRecord): NamedEvent {
  const name = subject.split('.').slice(1, 3).join('.')
  const marked = violation === null ? {} : { violation }
  return { name, subject, payload, cursor: null, at: stored_at, ...marked }
}
