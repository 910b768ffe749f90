import { changeObserved } from '@corroport/contracts'
import type { ObservedRow } from '@corroport/corrosion-client'
import { expect, test } from '@jest/globals'
import { toChangeObserved, traceparentOf } from './change-event.ts'

const observed = (change: Partial<ObservedRow>): ObservedRow => ({
  key: ['m1'],
  keyText: '["m1"]',
  version: 'a'.repeat(32),
  row: { pk: 'm1', sequence: 1 },
  writes: [{ siteId: 'b'.repeat(32), dbVersion: 7, ts: '7710564714808093488' }],
  via: 'updates',
  change: 'insert',
  seenAt: 1_700_000_000_123_456,
  ...change,
})

test('integers beyond 2^53 and blobs are tagged', () => {
  const row = { big: 2n ** 60n, blob: Uint8Array.of(1, 2, 255), text: 'a', none: null }

  const event = toChangeObserved('node1', 't', observed({ row }))

  expect(event?.row).toEqual({
    big: { $integer: '1152921504606846976' },
    blob: { $blob: 'AQL/' },
    text: 'a',
    none: null,
  })
  expect(changeObserved.parse(event)).toBe(event)
})

test('a row that is too large for an event is left out, with its size', () => {
  const event = toChangeObserved('node1', 't', observed({ row: { text: 'x'.repeat(700_000) } }))

  expect(event).toMatchObject({ row: null, omittedBytes: 700_011, change: 'insert' })
})

test('a key that is too large is not told', () => {
  expect(toChangeObserved('node1', 't', observed({ keyText: 'x'.repeat(20_000) }))).toBeUndefined()
})

test('states of different keys in one transaction have different ids', () => {
  const ids = ['m1', 'm2'].map((key) => {
    const event = toChangeObserved('node1', 't', observed({ key: [key], keyText: `["${key}"]` }))
    return event && changeObserved.identify(event)
  })

  expect(new Set(ids).size).toBe(2)
  expect(ids[0]).toMatch(/^node1\.t\.[A-Za-z0-9_-]{22}\.a{32}$/)
})

test('a trace is taken from a row that has one', () => {
  expect(traceparentOf(observed({ row: { traceparent: '00-a' } }))).toBe('00-a')
  expect(traceparentOf(observed({ row: null }))).toBeUndefined()
})
