import { expect, test } from '@jest/globals'
import { formatAge, formatDuration, parseDuration, parseSince } from './duration.ts'

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['10', undefined],
  ['-1s', undefined],
  ['10 m', undefined],
  ['m', undefined],
])('the duration %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  ['10m', '2026-01-15T09:50:00.000Z'],
  ['2026-01-15T09:00:00.123456Z', '2026-01-15T09:00:00.123456Z'],
  ['2026-01-15T09:00:00+02:00', '2026-01-15T07:00:00.000Z'],
  ['2026-01-15', '2026-01-15T00:00:00.000Z'],
  ['2026-13-01', undefined],
  ['99999999d', undefined],
  ['yesterday', undefined],
  ['1', undefined],
])('since %s is %s', (text, since) => {
  expect(parseSince(text, Date.parse('2026-01-15T10:00:00Z'))).toBe(since)
})

test.each([
  [0.1234, '0.12 ms'],
  [99.994, '99.99 ms'],
  [99.996, '100 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [119_900, '119.9 s'],
  [120_000, '2 min'],
  [7_200_000, '2.0 h'],
  [-4.2, '-4.20 ms'],
])('%s ms is written %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [59.4, '59 ms ago'],
  [999.6, '1.0 s ago'],
])('%s ms before now is written %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text)
})
