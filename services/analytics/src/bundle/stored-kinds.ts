import {
  ackReceived,
  clockSampled,
  messageAccepted,
  messageFailed,
  messageReceived,
  messageSent,
  messagesSkipped,
  nodeSampled,
  type RecordDefinition,
  type StoredEvent,
  subscriptionAudited,
} from '@corroport/contracts'

/** What a bundle calls a record, and what the record is. */
export const recordOfKind: Record<StoredEvent['kind'], RecordDefinition> = {
  sent: messageSent,
  accepted: messageAccepted,
  failed: messageFailed,
  skipped: messagesSkipped,
  received: messageReceived,
  acked: ackReceived,
  clock: clockSampled,
  sample: nodeSampled,
  audit: subscriptionAudited,
}
