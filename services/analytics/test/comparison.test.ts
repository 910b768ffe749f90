import { CommandError } from '@corroport/bus'
import { experimentsCompared } from '@corroport/contracts'
import { type Postgres, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { answerComparisons } from '../src/comparison/answer-comparisons.ts'
import { storeFigures } from '../src/statistics/compute-figures.ts'
import {
  createDatabase,
  finishedExperiment,
  simulateEvents,
  startBus,
  storeExperiment,
} from './bundle-fixture.ts'

let postgres: Postgres
let messaging: Awaited<ReturnType<typeof startBus>>
beforeAll(async () => {
  postgres = await startPostgres()
  messaging = await startBus()
})
afterAll(async () => {
  await messaging[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

async function startComparisons() {
  await using starting = new AsyncDisposableStack()
  const { db } = starting.use(await createDatabase(postgres))
  const { bus } = messaging
  starting.use(answerComparisons({ db, bus }))
  const store = async (id: string, ms: (message: number) => number): Promise<void> => {
    await storeExperiment(db, finishedExperiment({ id }), simulateEvents({ id, ms, messages: 100 }))
    await storeFigures(db, id)
  }
  return Object.assign(starting.move(), { bus, db, store })
}

// Without a pattern that returns: each message is its own draw.
const spread = (number: number, seed: number): number =>
  ((number * 7919 + seed * 104_729) % 101) / 50

test('an experiment that is slower is called so, with its size', async () => {
  await using analytics = await startComparisons()
  await analytics.store('before', (n) => 4 + spread(n, 1))
  await analytics.store('after', (n) => 6 + spread(n, 2))

  const { comparison } = await analytics.bus.request(
    experimentsCompared,
    {},
    {
      a: ['before'],
      b: ['after'],
    },
  )

  const [median] = comparison.figures
  expect(median).toMatchObject({ figure: 'median', verdict: 'different' })
  expect(median?.difference).toBeGreaterThan(1.7)
  expect(median?.difference).toBeLessThan(2.3)
  expect(comparison.sentence).toMatch(
    /^Over gossip, after is slower: median 5\.\d\d ms → 7\.\d\d ms/,
  )
  expect(comparison.unit).toBe('blocks')
  expect(comparison.warnings).toHaveLength(1)
})

test('series of five are compared by runs, and the same seed gives the same figures', async () => {
  await using analytics = await startComparisons()
  const ids = ['a', 'b'].map((side) => [1, 2, 3, 4, 5].map((run) => `${side}${run}`))
  for (const [seed, id] of ids.flat().entries())
    await analytics.store(id, (n) => 4 + spread(n, seed))
  const request = { a: ids[0] ?? [], b: ids[1] ?? [], seed: 7 }

  const first = await analytics.bus.request(experimentsCompared, {}, request)
  const second = await analytics.bus.request(experimentsCompared, {}, request)

  expect(first.comparison).toMatchObject({ unit: 'runs', units: [5, 5], resamples: 10_000 })
  expect(first.comparison.sentence).toContain(
    'no difference between a1 and 4 more and b1 and 4 more',
  )
  expect(second).toEqual(first)
})

test('an experiment against itself is dealt into halves', async () => {
  await using analytics = await startComparisons()
  await analytics.store('once', (n) => 4 + spread(n, 1))

  const { comparison } = await analytics.bus.request(
    experimentsCompared,
    {},
    {
      a: ['once'],
      b: ['once'],
    },
  )

  expect(comparison.sentence).toContain('no difference between one half of once and the other half')
})

test('what differs between the plans is told', async () => {
  await using analytics = await startComparisons()
  await analytics.store('small', (n) => 4 + spread(n, 1))
  const large = finishedExperiment({ id: 'large' })
  large.plan.payload_bytes = 4096
  await storeExperiment(analytics.db, large, simulateEvents({ id: 'large' }))
  await storeFigures(analytics.db, 'large')

  const { comparison } = await analytics.bus.request(
    experimentsCompared,
    {},
    {
      a: ['small'],
      b: ['large'],
    },
  )

  expect(comparison.warnings[0]).toBe('sizes of the payload differ: 64 bytes and 4096 bytes')
})

test.each([
  ['one that does not exist', { a: ['ended'], b: ['nothing'] }, 'not-found'],
  ['one that runs', { a: ['ended'], b: ['open'] }, 'conflict'],
  ['one that is on both sides', { a: ['ended', 'other'], b: ['ended'] }, 'invalid'],
])('%s is not compared', async (_, request, code) => {
  await using analytics = await startComparisons()
  await analytics.store('ended', (n) => 4 + spread(n, 1))
  await analytics.store('other', (n) => 4 + spread(n, 2))
  await storeExperiment(analytics.db, finishedExperiment({ id: 'open', status: 'running' }), [])

  const asked = analytics.bus.request(experimentsCompared, {}, request)

  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error instanceof CommandError && error.refusal?.code).toBe(code)
})
