import {
  type DeadLettered,
  deadLettered,
  nowMicroseconds,
  type StreamName,
  toTimestamp,
} from '@corroport/contracts'
import { type JetStreamClient, jetstreamManager } from '@nats-io/jetstream'
import type { Bus } from './bus.ts'
import { whileConnected } from './once-connected.ts'

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
    sizeBytes: data.length,
    deadAt: toTimestamp(nowMicroseconds()),
  })
  await jetstream.publish(
    deadLettered.subject({ service: refused.service }),
    JSON.stringify(letter),
    { msgID: deadLettered.identify(letter) },
  )
}

/** What a letter has of its record; not all of one that was too large. Throws when it is no base64. */
export function keptPayload({ payload, sizeBytes }: DeadLettered): {
  data: Uint8Array
  isWhole: boolean
} {
  const data = Uint8Array.fromBase64(payload)
  const isWhole =
    sizeBytes === undefined ? data.length < maxPayloadBytes : data.length === sizeBytes
  return { data, isWhole }
}

/** Stores a record once more. Of the same `messageId` within the duplicate window, only once. */
export async function storeAgain(
  bus: Bus,
  record: { stream: StreamName; subject: string; messageId: string; data: Uint8Array },
  timeoutMs: number,
): Promise<{ sequence: number }> {
  const { stream, subject, messageId, data } = record
  return await whileConnected(bus, timeoutMs, async ({ jetstream }) => {
    const { seq } = await jetstream.publish(subject, data, {
      msgID: messageId,
      expect: { streamName: stream },
      timeout: timeoutMs,
    })
    return { sequence: seq }
  })
}

/** False where the stream has none of this sequence. */
export async function deleteRecord(
  bus: Bus,
  stream: StreamName,
  sequence: number,
  timeoutMs: number,
): Promise<boolean> {
  return await whileConnected(bus, timeoutMs, async ({ nats }) => {
    const { streams } = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs })
    try {
      return await streams.deleteMessage(stream, sequence, false)
    } catch (error) {
      // Servers have several words for what is not there, some of which are other failures too.
      if ((await streams.getMessage(stream, { seq: sequence })) === null) return false
      throw error
    }
  })
}
