import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Experiment, StoredEvent } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { headOf, recordsOf } from './exported-records.ts'
import { createUlid, pagesOf, withPlaces } from './import-pages.ts'
import { readLines } from './read-lines.ts'

const fixture = join(
  import.meta.dirname,
  '../../../../packages/contracts/fixtures/command-analytics-experiment.json',
)
const { experiment } = (
  JSON.parse(readFileSync(fixture, 'utf8')) as { reply: { experiment: Experiment } }
).reply
const encoder = new TextEncoder()
const ulid = createUlid(Date.UTC(2026, 0, 15), new Uint8Array(16))

async function* bytesOf(text: string, size = 7) {
  const bytes = encoder.encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function* numbered(records: StoredEvent[]) {
  for (const [index, record] of records.entries()) yield { record, place: `line ${index + 2}` }
}

const read = (text: string) => Array.fromAsync(recordsOf(readLines(bytesOf(text))))

test('lines come whole out of any chunks, with their numbers', async () => {
  const lines = await Array.fromAsync(readLines(bytesOf('äöü\n\nline 3\r\nend', 1)))

  expect(lines).toEqual([
    { text: 'äöü', line: 1 },
    { text: 'line 3\r', line: 3 },
    { text: 'end', line: 4 },
  ])
})

test('records are read up to the end that counts them', async () => {
  const text = '{"kind":"sent","event":{"a":1}}\n{"end":{"events":1}}\n'

  expect(await read(text)).toEqual([{ record: { kind: 'sent', event: { a: 1 } }, place: 'line 1' }])
})

test.each([
  ['{"kind":"sent","event":1}\n', /cut off/],
  ['{"kind":"sent","event":1}\n{"end":{"events":2}}\n', /line 2: says 2 records, but 1/],
  ['{"kind":"sent","ev', /line 1: is no JSON/],
  ['[]\n', /line 1: is no record/],
  ['\n{"experiment":{}}\n', /line 2: .*no kind/],
  ['{"end":{"events":0}}\n{"kind":"sent","event":1}', /line 2: stands after the end/],
])('%j is refused with its line', async (text, reason) => {
  await expect(read(text)).rejects.toThrow(reason)
})

test('an export of records is known by its first line, a JSON export is not one', () => {
  expect(headOf(JSON.stringify({ experiment }))?.id).toBe(experiment.id)
  expect(headOf(JSON.stringify({ experiment, raw_events: [] }))).toBeUndefined()
  expect(headOf('{')).toBeUndefined()
})

test('pages are no larger than a request may be; the first has the experiment, the last says so', async () => {
  const records: StoredEvent[] = Array.from({ length: 12 }, (_, index) => ({
    kind: 'sent',
    event: { index, text: 'ä'.repeat(100_000) },
  }))

  const pages = await Array.fromAsync(pagesOf(experiment, numbered(records), ulid))

  expect(pages.map(({ request }) => [request.page, request.is_last])).toEqual([
    [0, false],
    [1, false],
    [2, true],
  ])
  expect(pages.map(({ request }) => request.experiment?.id)).toEqual([
    experiment.id,
    undefined,
    undefined,
  ])
  expect(pages.flatMap(({ request }) => request.events)).toEqual(records)
  for (const { request } of pages) {
    expect(encoder.encode(JSON.stringify(request)).length).toBeLessThanOrEqual(900_000)
  }
})

test('an experiment without records is one page', async () => {
  const pages = await Array.fromAsync(pagesOf(experiment, numbered([]), ulid))

  expect(pages.map(({ request }) => [request.page, request.is_last, request.events])).toEqual([
    [0, true, []],
  ])
})

test('a refusal of a record names its line', async () => {
  const records: StoredEvent[] = [
    { kind: 'sent', event: {} },
    { kind: 'acked', event: {} },
  ]
  const [page] = await Array.fromAsync(pagesOf(experiment, numbered(records), ulid))

  expect(page && withPlaces('page 0, event 1 (acked): /nodeId is wrong', page)).toBe(
    'line 3 (acked): /nodeId is wrong',
  )
})

test('an import has an id of its time', () => {
  expect(createUlid(1_469_918_176_385, new Uint8Array(16).fill(31))).toBe(
    '01ARYZ6S41ZZZZZZZZZZZZZZZZ',
  )
})
