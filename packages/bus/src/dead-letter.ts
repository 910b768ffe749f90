import { deadLettered, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { JetStreamClient } from '@nats-io/jetstream'

export interface RefusedRecord {
  service: string
  durable: string
  stream: string
  sequence: number
  subject: string
  messageId: string | null
  deliveries: number
  reason: string
  data: Uint8Array
}

// A letter that NATS refuses for its size would hold up for ever what comes behind its record.
const maxPayloadBytes = 512 * 1024
const maxTextLength = 2000

/** Sets a record aside in DEAD, where operators find it and can send it again. */
export async function tellDead(
  jetstream: JetStreamClient,
  { data, ...refused }: RefusedRecord,
): Promise<void> {
  const letter = deadLettered.parse({
    ...refused,
    subject: refused.subject.slice(0, maxTextLength),
    messageId: refused.messageId?.slice(0, maxTextLength) ?? null,
    reason: refused.reason.slice(0, maxTextLength),
    payload: data.subarray(0, maxPayloadBytes).toBase64(),
    deadAt: toTimestamp(nowMicroseconds()),
  })
  await jetstream.publish(
    deadLettered.subject({ service: refused.service }),
    JSON.stringify(letter),
    { msgID: deadLettered.identify(letter) },
  )
}
