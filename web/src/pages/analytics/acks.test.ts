import type { MessageEvent } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { drawnText, preciseMs, readAcks } from './acks.ts'

const ack = (number: number, part: Partial<MessageEvent> = {}): MessageEvent => ({
  id: `acked.node2.m${number}`,
  message_id: `m${number}`,
  experiment_id: 'first',
  originating_node: 'node1',
  target_node: 'node2',
  event_type: 'acked',
  event_timestamp: '2026-01-15T10:00:00.123456Z',
  receipt_timestamp: null,
  region: null,
  transaction_size_hint: null,
  transport: 'gossip',
  round_trip_ms: 3.456,
  inserted_at: '2026-01-15T10:00:00.123456Z',
  ...part,
})

const signal = new AbortController().signal

test('pages are read to the end of the acknowledgements', async () => {
  const asked: unknown[] = []
  const pages = [
    { message_events: [ack(1), ack(2, { event_type: 'sent' })], next: 'acked/m2' },
    { message_events: [ack(3), ack(4, { transport: 'direct' })], next: 'clock/5' },
  ]

  const acks = await readAcks('first', 2, signal, async (_id, after) => {
    asked.push(after)
    return pages[asked.length - 1] ?? { message_events: [], next: null }
  })

  expect(asked).toEqual([undefined, 'acked/m2'])
  expect(acks).toMatchObject({ read: { gossip: 2, direct: 1 }, stride: 1, isWhole: true })
  expect(drawnText(acks, 'direct', 3)).toMatch(/^Of 1 acknowledgements over direct all are drawn/)
  expect(acks.points[0]?.arrivedAt).toBeCloseTo(preciseMs('2026-01-15T10:00:00.123Z') + 0.456, 3)
  expect(acks.points[0]?.sentAt).toBeCloseTo(preciseMs('2026-01-15T10:00:00.120Z'), 3)
})

test('of very many some are kept, evenly, and it is said when not all were read', async () => {
  const page = Array.from({ length: 50_000 }, (_, number) => ack(number))
  let asked = 0

  const acks = await readAcks('first', 1_000_000, signal, async () => {
    asked += 1
    return { message_events: page, next: `acked/m${asked}` }
  })

  expect(acks).toMatchObject({ read: { gossip: 200_000 }, stride: 10, isWhole: false })
  expect(drawnText(acks, 'gossip', 1_000_000)).toMatch(
    /^Of 1,000,000 .* the first 200,000.* one of 10/,
  )
  expect(acks.points).toHaveLength(20_000)
})
