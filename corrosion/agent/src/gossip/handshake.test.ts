import { expect, test } from '@jest/globals'

import {
  createSealer,
  createUnsealer,
  decodeAnswer,
  decodeHello,
  deriveKeys,
  encodeAnswer,
  encodeHello,
  isEqual,
} from './handshake.ts'

const identity = {
  actorId: 'ab'.repeat(16),
  address: '127.0.0.1:8787',
  ts: 1n,
  clusterId: 3,
  memberId: 4,
}

test('a hello and its answer come back as they were', () => {
  const bytes = encodeHello({ identity, isProtected: true })
  expect(decodeHello(bytes)).toEqual({ identity, isProtected: true })

  const proof = Buffer.from('proof')
  expect(decodeAnswer(encodeAnswer({ bytes, proof }))).toEqual({
    hello: { identity, isProtected: true },
    bytes,
    proof,
  })
  const refusal = 'the cluster ids differ'
  expect(decodeAnswer(encodeAnswer({ refusal }))).toEqual({ refusal })
})

test('only the same secret and the same two hellos give the same proofs', () => {
  const [one, two] = [1, 2].map(() => encodeHello({ identity, isProtected: true }))
  const keys = deriveKeys('secret', one!, two!)

  expect(isEqual(keys.answerProof, deriveKeys('secret', one!, two!).answerProof)).toBe(true)
  expect(isEqual(keys.answerProof, deriveKeys('Secret', one!, two!).answerProof)).toBe(false)
  expect(isEqual(keys.answerProof, deriveKeys('secret', two!, one!).answerProof)).toBe(false)
  expect(isEqual(keys.answerProof, keys.openingProof)).toBe(false)
})

test('a frame that was changed, repeated, left out or made without the key is refused', () => {
  const key = Buffer.alloc(32, 1)
  const seal = createSealer(key)
  const [first, second] = ['first', 'second'].map((text) => Buffer.from(seal(Buffer.from(text))))
  const changed = Buffer.from(first!)
  changed[0]! ^= 1

  expect(() => createUnsealer(key)(changed)).toThrow(RangeError)
  expect(() => createUnsealer(key)(second!)).toThrow(RangeError)
  expect(() => createUnsealer(key)(Buffer.from('short'))).toThrow(RangeError)
  const unseal = createUnsealer(key)
  expect(String(unseal(first!))).toBe('first')
  expect(() => unseal(first!)).toThrow(RangeError)
})
