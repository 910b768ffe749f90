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

/** Sets a record aside in DEAD, where operators find it and can send it again. */
export async function tellDead(
  jetstream: JetStreamClient,
  { data, ...refused }: RefusedRecord,
): Promise<void> {
  const letter = deadLettered.parse({
    ...refused,
    payload: data.subarray(0, 512 * 1024).toBase64(),
    deadAt: toTimestamp(nowMicroseconds()),
  })
  await jetstream.publish(
    deadLettered.subject({ service: refused.service }),
    JSON.stringify(letter),
    { msgID: deadLettered.identify(letter) },
  )
}
