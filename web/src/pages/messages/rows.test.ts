import type { MessageSummary } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { mergeRows, type Section } from './rows.ts'
import type { Track } from './tracks.ts'

const day = '2026-01-15T10:00'
const always: Section = {
  node: undefined,
  region: undefined,
  sinceMs: 0,
  untilMs: Infinity,
  isCut: false,
}

function summary(pk: string, second: number): MessageSummary {
  const timestamp = `${day}:${String(second).padStart(2, '0')}.000000Z`
  return {
    pk,
    node_id: 'node1',
    message: `text of ${pk}`,
    sequence: Date.parse(timestamp),
    timestamp,
    originating_endpoint: '127.0.0.1:5001',
    region: 'iad',
  }
}

function track(pk: string, second: number, part: Partial<Track> = {}): Track {
  const sentAt = `${day}:${String(second).padStart(2, '0')}.000000Z`
  const expected = ['node2', 'node3'].map((nodeId) => ({ nodeId, wasPresent: true }))
  const of = { nodeId: 'node1', messageId: pk, transport: 'gossip' as const, region: 'iad' }
  const sent = { ...of, sizeBytes: 4, expected, sentAt }
  return { ...of, pk, status: 'sent', reason: null, sent, acks: 0, ...part }
}

test('a message that is in both is there once, with its text and its acknowledgements', () => {
  const rows = mergeRows([summary('a', 5)], [track('a', 5, { acks: 1 })], always)

  expect(rows).toMatchObject([
    { pk: 'a', text: 'text of a', status: 'accepted', acks: { received: 1, expected: 2 } },
  ])
})

test('the newest comes first, whichever told of it', () => {
  const rows = mergeRows(
    [summary('c', 7), summary('a', 5)],
    [track('b', 6, { transport: 'direct' }), track('d', 8)],
    always,
  )

  expect(rows.map(({ pk }) => pk)).toEqual(['d', 'c', 'b', 'a'])
})

test('a message of which only an acknowledgement was heard is not guessed at', () => {
  const partial = track('a', 5, { acks: 1, sent: null })

  expect(mergeRows([], [partial], always)).toEqual([])
  expect(mergeRows([summary('a', 5)], [partial], always)).toMatchObject([{ acks: null }])
})

test('while older rows are not read, older messages are left out too', () => {
  const rows = mergeRows([summary('b', 6)], [track('a', 5), track('c', 7)], {
    ...always,
    isCut: true,
  })

  expect(rows.map(({ pk }) => pk)).toEqual(['c', 'b'])
})

test.each([
  [{ node: 'node2' }, ['b']],
  [{ region: 'fra' }, ['b']],
  [{ sinceMs: Date.parse(`${day}:06Z`) }, ['b']],
  [{ untilMs: Date.parse(`${day}:05.500Z`) }, ['a']],
])('events obey the filters of the list: %p', (part, pks) => {
  const own = track('b', 6)
  const other = { ...own, nodeId: 'node2', sent: own.sent && { ...own.sent, region: 'fra' } }

  const rows = mergeRows([], [track('a', 5), other], { ...always, ...part })

  expect(rows.map(({ pk }) => pk)).toEqual(pks)
})
