import { describe, expect, test } from '@jest/globals'

import type { Changeset } from '../store/change.ts'
import { createAssembly } from './assembly.ts'
import { decodePart, encodeParts } from './changeset-part.ts'
import type { MemberRecord } from './member-record.ts'
import { decodeMessage, encodeMessage, type Message } from './message.ts'

const actorId = '0123456789abcdef0123456789abcdef'
const otherId = 'ff'.repeat(16)

const record: MemberRecord = {
  identity: {
    actorId,
    address: '[::1]:8787',
    ts: 2n ** 64n - 1n,
    clusterId: 65_535,
    memberId: 0,
  },
  incarnation: 2 ** 53 - 1,
  state: 'Suspect',
}
const about = [record, { ...record, identity: { ...record.identity, memberId: null } }]
const holdings = {
  heads: new Map([
    [actorId, 127],
    [otherId, 2 ** 53 - 1],
  ]),
  gaps: new Map([
    [
      actorId,
      [
        { start: 1, end: 1 },
        { start: 128, end: 2 ** 40 },
      ],
    ],
  ]),
}

const messages: Message[] = [
  { type: 'announce', about },
  { type: 'members', about: [] },
  { type: 'ping', probe: 300, about },
  { type: 'ack', probe: 0, isRelayed: true, about },
  { type: 'ping-request', probe: 1, targetId: otherId, about },
  { type: 'push', parts: [Buffer.from([1, 2]), Buffer.alloc(0)] },
  { type: 'sync-open', session: 1, clock: 5n, ...holdings },
  { type: 'sync-state', session: 1, clock: 5n, ...holdings },
  { type: 'sync-refused', session: 9 },
  { type: 'sync-want', session: 9, wanted: holdings.gaps },
  { type: 'sync-changes', session: 9, parts: [] },
  { type: 'sync-done', session: 9 },
  { type: 'sync-close', session: 9 },
]

const changeset: Changeset = {
  actorId,
  version: 3,
  lastSeq: 6,
  ts: 7_710_536_469_787_589_712n,
  changes: [null, 2n ** 63n - 1n, -(2n ** 63n), -0, 'ÿ\0', new Uint8Array([0, 255])].map(
    (val, seq) => ({
      table: 'item',
      pk: new Uint8Array([1, 9, seq]),
      cid: seq % 2 === 0 ? 'text' : '-1',
      val,
      colVersion: seq + 1,
      cl: 1,
      seq,
    }),
  ),
}

describe('messages', () => {
  test.each(messages)('$type comes back as it was', (message) => {
    expect(decodeMessage(encodeMessage(message))).toEqual(message)
  })

  test.each(messages)('$type cut short, or with a byte too many, is refused', (message) => {
    const bytes = encodeMessage(message)

    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeMessage(bytes.subarray(0, length))).toThrow(RangeError)
    }
    expect(() => decodeMessage(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(RangeError)
  })

  test('any other bytes give a message or a RangeError, soon', () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    for (let round = 0; round < 20_000; round++) {
      const bytes = encodeMessage(messages[round % messages.length]!)
      for (let flips = 0; flips < 3; flips++) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      }
      try {
        decodeMessage(bytes)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
    expect(() => decodeMessage(Buffer.from([255]))).toThrow(RangeError)
  })
})

describe('changesets', () => {
  test('every type of value comes back as it was, -0 among them', () => {
    const [part, ...others] = encodeParts(changeset)
    expect(others).toEqual([])

    const { startSeq, endSeq, ...decoded } = decodePart(part!)

    expect({ startSeq, endSeq }).toEqual({ startSeq: 0, endSeq: 6 })
    expect(decoded).toEqual(changeset)
  })

  test('one without changes is told too', () => {
    const [part] = encodeParts({ ...changeset, changes: [] })

    expect(decodePart(part!)).toMatchObject({ startSeq: 0, endSeq: 6, changes: [] })
  })

  test('a large one comes in parts, which make it whole in any order and with repetitions', () => {
    const large: Changeset = {
      ...changeset,
      lastSeq: 5_000,
      // Every third seq has been replaced by a later version.
      changes: Array.from({ length: 5_000 }, (_, seq) => ({
        ...changeset.changes[0]!,
        val: 'x'.repeat(40),
        seq,
      })).filter(({ seq }) => seq % 3 !== 0),
    }
    const parts = [...encodeParts(large)]
    expect(parts.length).toBeGreaterThan(3)
    const assembly = createAssembly()

    const shuffled = [...parts.slice(2), parts[0]!, parts[2]!].map(decodePart)
    for (const part of shuffled) expect(assembly.add(part)).toBeUndefined()
    const missing = assembly.missing().get(actorId)?.get(3)
    expect(missing).toEqual([
      { start: decodePart(parts[1]!).startSeq, end: decodePart(parts[1]!).endSeq },
    ])

    expect(assembly.add(decodePart(parts[1]!))).toEqual(large)
    expect(assembly.missing().size).toBe(0)
  })
})
