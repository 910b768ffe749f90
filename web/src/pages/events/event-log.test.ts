import { expect, test } from '@jest/globals'
import {
  add,
  backfill,
  emptyLog,
  fromRecords,
  type LoggedEvent,
  mostEvents,
  release,
  search,
  toLogged,
} from './event-log.ts'

const event = (at: number, text = '{}'): LoggedEvent => ({
  id: at,
  at,
  subject: 'corro.ack.sent.node1',
  violation: undefined,
  isHint: false,
  text,
})
const timesOf = (events: readonly LoggedEvent[]): number[] => events.map(({ at }) => at)

test('what comes stands in front, and the oldest rows go', () => {
  const full = add(
    emptyLog,
    Array.from({ length: mostEvents }, (_, at) => event(at)),
    false,
  )

  const { shown } = add(full, [event(5000), event(5001)], false)

  expect(shown).toHaveLength(mostEvents)
  expect(timesOf(shown).slice(0, 3)).toEqual([5001, 5000, mostEvents - 1])
  expect(shown.at(-1)?.at).toBe(2)
})

test('what is held waits, and comes without a gap', () => {
  const held = add(add(add(emptyLog, [event(1)], false), [event(2)], true), [event(3)], true)

  expect([timesOf(held.shown), timesOf(held.waiting)]).toEqual([[1], [3, 2]])
  expect(release(held)).toMatchObject({ waiting: [], missed: undefined })
  expect(timesOf(add(held, [event(4)], false).shown)).toEqual([4, 3, 2, 1])
})

test('what is too much to be held is counted, with its time', () => {
  const first = add(
    emptyLog,
    Array.from({ length: mostEvents }, (_, at) => event(at)),
    true,
  )

  const { waiting, missed } = add(first, [event(9000), event(9001), event(9002)], true)

  expect([waiting.length, waiting[0]?.at, waiting.at(-1)?.at]).toEqual([mostEvents, 9002, 3])
  expect(missed).toEqual({ count: 3, from: 0, to: 2 })
})

test('a record that came by itself is not put in again', () => {
  const record = {
    stream: 'RECORDS',
    sequence: 1,
    stored_at: '2026-01-15T10:00:00.123456789Z',
    subject: 'corro.ack.sent.node1',
    violation: null,
    payload: { a: 1 },
  }
  const live = {
    name: 'ack.sent',
    subject: record.subject,
    cursor: 'c',
    at: '2026-01-15T10:00:00.123456Z',
    payload: { a: 1 },
  }
  const log = add(emptyLog, toLogged([live], 0), false)

  const older = { ...record, stored_at: '2026-01-15T09:00:00Z' }
  const { shown } = backfill(log, fromRecords([record, older]))

  expect(timesOf(shown)).toEqual([Date.parse(live.at), Date.parse(older.stored_at)])
})

test('a hint has the time at which it came', () => {
  const hint = { name: 'hint.node', subject: 'corro.hint.node.node1', cursor: null, payload: {} }

  expect(toLogged([hint], 77)).toMatchObject([{ at: 77, isHint: true }])
})

test.each([
  ['NODE1', 2],
  ['"a":1', 1],
  ['.*', 0],
  ['', 2],
])('%j is found in %i events', (text, count) => {
  expect(search([event(1, '{"a":1}'), event(2, '{"b":2}')], text)).toHaveLength(count)
})
