import { figuresQueried, messagesQueried, pairsQueried } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { answerFigures } from '../src/statistics/answer-figures.ts'
import { storeExperiment, storeMessages } from './figures-records.ts'
import { startBus, startDatabase } from './harness.ts'

const stack = new AsyncDisposableStack()
let database: Awaited<ReturnType<typeof startDatabase>>
let bus: Awaited<ReturnType<typeof startBus>>['bus']

beforeAll(async () => {
  database = stack.use(await startDatabase())
  bus = stack.use(await startBus()).bus
  stack.use(answerFigures({ db: database.db, bus }))
  await until(() => bus.isConnected)
}, 60_000)
afterAll(() => stack.disposeAsync())

const askFigures = async (id: string) => (await bus.request(figuresQueried, {}, { id })).figures

test('figures of a running experiment are of what is there; nothing is stored', async () => {
  const { db } = database
  await storeExperiment(db, 'running', { status: 'running' })
  await storeMessages(db, 'running', [{ number: 0, state: 'accepted' }])

  const before = await askFigures('running')
  await storeMessages(db, 'running', [{ number: 1, state: 'accepted' }])
  const after = await askFigures('running')

  expect([before, after].map(({ transports }) => transports[0]?.counts.sent)).toEqual([1, 2])
  expect(after.is_final).toBe(false)
  expect((await bus.request(pairsQueried, {}, { id: 'running' })).pairs).toEqual([])
})

test('figures of an ended one are computed once, and again when something came late', async () => {
  const { db } = database
  await storeExperiment(db, 'ended')
  await storeMessages(db, 'ended', [{ number: 0, state: 'accepted' }])
  const first = await askFigures('ended')
  const again = await askFigures('ended')
  await storeMessages(db, 'ended', [
    { number: 1, state: 'accepted', acks: [{ from: 'node2', roundTrip: 5 }] },
  ])
  await sql`UPDATE experiment SET is_stale = true WHERE id = 'ended'`.execute(db)
  const late = await askFigures('ended')

  expect(again).toEqual(first)
  expect(first.is_final).toBe(true)
  expect(late.transports[0]?.counts).toMatchObject({ sent: 2, acks: 1, lost: 3 })
  expect(await askFigures('ended')).toEqual(late)
  const { pairs, next } = await bus.request(pairsQueried, {}, { id: 'ended' })
  expect(pairs).toMatchObject([
    { origin_node_id: 'node1', node_id: 'node2', expected: 2, acks: 1, lost: 1 },
    { origin_node_id: 'node1', node_id: 'node3', expected: 2, acks: 0, lost: 2 },
  ])
  expect(next).toBeNull()
})

test('messages come in pages, in the order of sending, with what is missing', async () => {
  const { db } = database
  await storeExperiment(db, 'paged')
  await storeMessages(db, 'paged', [
    {
      number: 10,
      state: 'accepted',
      acks: [
        { from: 'node3', roundTrip: 4000 },
        { from: 'node2', roundTrip: 2001 },
      ],
    },
    { number: 9, state: 'failed' },
    { number: 2, isWarmup: true, acks: [{ from: 'node2', roundTrip: 2000 }] },
  ])

  const first = await bus.request(messagesQueried, {}, { id: 'paged', limit: 2 })
  const second = await bus.request(
    messagesQueried,
    {},
    { id: 'paged', limit: 2, after: first.next ?? '' },
  )

  expect(first.messages).toMatchObject([
    { number: 2, is_warmup: true, status: 'sent', acks: 1, expected: 2, missing: ['node3'] },
    { number: 9, status: 'failed', acks: 0, mean_ms: null, missing: ['node2', 'node3'] },
  ])
  expect(second.messages).toMatchObject([{ number: 10, status: 'accepted', acks: 2, missing: [] }])
  const times = { min_ms: 2.001, mean_ms: 3.001, median_ms: 2.001, max_ms: 4 }
  expect(second.messages).toMatchObject([times])
  expect(second.next).toBeNull()
})

test('a page of messages that miss many ends before NATS would refuse it', async () => {
  const { db } = database
  await storeExperiment(db, 'missing')
  const expected = Array.from({ length: 300 }, (_, index) => `a-node-with-a-long-name-${index}`)
  const messages = Array.from({ length: 150 }, (_, number) => ({
    number,
    state: 'accepted' as const,
    expected,
  }))
  await storeMessages(db, 'missing', messages)

  const numbers: (number | null)[] = []
  let after: string | undefined
  let pages = 0
  do {
    const request = { id: 'missing', limit: 1000, ...(after === undefined ? {} : { after }) }
    const page = await bus.request(messagesQueried, {}, request)
    numbers.push(...page.messages.map(({ number }) => number))
    after = page.next ?? undefined
    pages += 1
  } while (after !== undefined)

  expect(pages).toBeGreaterThan(1)
  expect(numbers).toEqual(messages.map(({ number }) => number))
})

test('what does not exist, or is the place of another list, is refused', async () => {
  await storeExperiment(database.db, 'nothing')
  const unknown = { refusal: { code: 'not-found' } }
  await expect(askFigures('unknown')).rejects.toMatchObject(unknown)
  await expect(bus.request(pairsQueried, {}, { id: 'unknown' })).rejects.toMatchObject(unknown)
  await expect(
    bus.request(messagesQueried, {}, { id: 'nothing', limit: 1, after: 'node1' }),
  ).rejects.toMatchObject({ refusal: { code: 'invalid' } })
  await expect(
    bus.request(pairsQueried, {}, { id: 'nothing', after: 'a:b:c:d' }),
  ).rejects.toMatchObject({ refusal: { code: 'invalid' } })
})
