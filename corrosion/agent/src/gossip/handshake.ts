import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

import { ByteReader, ByteWriter } from './bytes.ts'
import { type Identity, readIdentity, writeIdentity } from './member-record.ts'

// The agent that connects says hello; the other answers with its own hello, or refuses. With a
// cluster secret the answer carries a proof over both hellos, the connecting agent sends one in
// return, and every frame after that a code of its own. What follows goes one way only.

const greeting = 'corroport-development-agent gossip 1'
const nonceBytes = 16
const codeBytes = 16

/** Bytes of the largest frame before the peer is known. */
export const helloLimit = 4096

export const refusals = [
  'this agent has a cluster secret, the other has none',
  'the other agent has a cluster secret, this one has none',
  'the cluster secrets differ',
  'the cluster ids differ',
] as const
export type Refusal = (typeof refusals)[number]

export interface Hello {
  identity: Identity
  isProtected: boolean
}

export type Answer = { hello: Hello; bytes: Buffer; proof: Buffer } | { refusal: Refusal }

export function encodeHello(hello: Hello): Buffer {
  const writer = new ByteWriter().text(greeting).raw(randomBytes(nonceBytes))
  writeIdentity(writer.byte(hello.isProtected ? 1 : 0), hello.identity)
  return writer.finish()
}

/** Throws RangeError on bytes that are no hello. */
export function decodeHello(bytes: Buffer): Hello {
  const reader = new ByteReader(bytes)
  if (reader.text() !== greeting) throw new RangeError('not a development agent')
  reader.raw(nonceBytes)
  const isProtected = reader.byte() === 1
  const identity = readIdentity(reader)
  reader.end()
  return { identity, isProtected }
}

export function encodeAnswer(
  answer: { bytes: Buffer; proof: Buffer } | { refusal: Refusal },
): Buffer {
  return 'refusal' in answer
    ? new ByteWriter().byte(0).byte(refusals.indexOf(answer.refusal)).finish()
    : new ByteWriter().byte(1).bytes(answer.bytes).bytes(answer.proof).finish()
}

/** Throws RangeError on bytes that are no answer. */
export function decodeAnswer(bytes: Buffer): Answer {
  const reader = new ByteReader(bytes)
  if (reader.byte() === 0) {
    const refusal = refusals[reader.byte()]
    if (refusal === undefined) throw new RangeError('not a development agent')
    return { refusal }
  }
  const hello = reader.bytes()
  const proof = reader.bytes()
  reader.end()
  return { hello: decodeHello(hello), bytes: hello, proof }
}

export interface Keys {
  answerProof: Buffer
  openingProof: Buffer
  frames: Buffer
}

/** Everything is bound to both nonces, so nothing can be replayed, nor be sent back to its maker. */
export function deriveKeys(secret: string, openingHello: Buffer, answeringHello: Buffer): Keys {
  const derive = (purpose: string) =>
    createHmac('sha256', secret)
      .update(new ByteWriter().text(purpose).bytes(openingHello).bytes(answeringHello).finish())
      .digest()
  return {
    answerProof: derive('answer'),
    openingProof: derive('opening'),
    frames: derive('frames'),
  }
}

export function isEqual(proof: Buffer, expected: Buffer): boolean {
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}

/** Puts a code behind each payload of one connection; without a key it leaves them as they are. */
export function createSealer(key: Buffer | undefined): (payload: Uint8Array) => Uint8Array {
  let counter = 0n
  return (payload) =>
    key === undefined ? payload : Buffer.concat([payload, codeOf(key, counter++, payload)])
}

/** Checks and removes the code. Throws RangeError when a frame was changed, repeated or left out. */
export function createUnsealer(key: Buffer | undefined): (sealed: Buffer) => Buffer {
  let counter = 0n
  return (sealed) => {
    if (key === undefined) return sealed
    const length = sealed.length - codeBytes
    if (length < 0) throw new RangeError('a frame has no code')
    const payload = sealed.subarray(0, length)
    if (!isEqual(sealed.subarray(length), codeOf(key, counter++, payload))) {
      throw new RangeError('the code of a frame is wrong')
    }
    return payload
  }
}

function codeOf(key: Buffer, counter: bigint, payload: Uint8Array): Buffer {
  const place = Buffer.allocUnsafe(8)
  place.writeBigUInt64BE(counter)
  return createHmac('sha256', key).update(place).update(payload).digest().subarray(0, codeBytes)
}
