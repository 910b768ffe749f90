import { messageOf } from '@corroport/bus'
import { experimentsCompared } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import { answerComparisons } from '../src/comparison/answer-comparisons.ts'
import { storeFigures } from '../src/statistics/compute-figures.ts'
import { finishedExperiment, simulateEvents, storeExperiment } from './bundle-fixture.ts'
import { createDatabase, startServersOfFile } from './harness.ts'

const servers = startServersOfFile()

async function startComparisons() {
  await using starting = new AsyncDisposableStack()
  const { postgres, bus } = servers()
  const { db } = starting.use(await createDatabase(postgres))
  const answering = starting.use(answerComparisons({ db, bus }))
  const store = async (id: string, ms: (message: number) => number): Promise<void> => {
    await storeExperiment(db, finishedExperiment({ id }), simulateEvents({ id, ms, messages: 100 }))
    await storeFigures(db, id)
  }
  const compare = async (request: Static<typeof experimentsCompared.request>) =>
    (await bus.request(experimentsCompared, {}, request)).comparison
  return Object.assign(starting.move(), { db, answering, store, compare })
}

// Without a pattern that returns: each message is its own draw.
const spread = (number: number, seed: number): number =>
  ((number * 7919 + seed * 104_729) % 101) / 50

test('an experiment that is slower is called so, with its size', async () => {
  await using analytics = await startComparisons()
  await analytics.store('before', (n) => 4 + spread(n, 1))
  await analytics.store('after', (n) => 6 + spread(n, 2))

  const comparison = await analytics.compare({ a: ['before'], b: ['after'] })

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

  const first = await analytics.compare(request)
  const second = await analytics.compare(request)

  expect(first).toMatchObject({ unit: 'runs', units: [5, 5], resamples: 10_000 })
  expect(first.sentence).toContain(
    'no difference of median, p95 and loss between a1 and 4 more and b1 and 4 more',
  )
  expect(second).toEqual(first)
})

test('an experiment against itself is dealt into halves', async () => {
  await using analytics = await startComparisons()
  await analytics.store('once', (n) => 4 + spread(n, 1))

  const comparison = await analytics.compare({ a: ['once'], b: ['once'] })

  expect(comparison.sentence).toContain(
    'no difference of median, p95 and loss between one half of once and the other half',
  )
})

test('what differs between the plans is told', async () => {
  await using analytics = await startComparisons()
  await analytics.store('small', (n) => 4 + spread(n, 1))
  const large = finishedExperiment({ id: 'large' })
  large.plan.payload_bytes = 4096
  large.plan.count = 100
  large.status = 'stopped'
  await storeExperiment(analytics.db, large, simulateEvents({ id: 'large' }))
  await storeFigures(analytics.db, 'large')

  const comparison = await analytics.compare({ a: ['small'], b: ['large'] })

  expect(comparison.warnings.slice(0, 3)).toEqual([
    'numbers of messages differ: 40 and 100',
    'sizes of the payload differ: 64 bytes and 4096 bytes',
    'not carried out as planned: large (stopped)',
  ])
  expect(comparison.sentence).toMatch(
    /But their numbers of messages and sizes of the payload differ too\.$/,
  )
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

  await expect(analytics.compare(request)).rejects.toMatchObject({ refusal: { code } })
})

test('comparisons that are asked for at once are all answered', async () => {
  await using analytics = await startComparisons()
  await analytics.store('a', (n) => 4 + spread(n, 1))
  await analytics.store('b', (n) => 4 + spread(n, 2))

  const asked = [
    analytics.compare({ a: ['a'], b: ['b'] }),
    analytics.compare({ a: ['a'], b: ['unknown'] }).catch(messageOf),
    analytics.compare({ a: ['b'], b: ['a'] }),
  ]

  expect(await Promise.all(asked)).toMatchObject([
    { a: { ids: ['a'] } },
    expect.stringContaining('no such experiment: unknown'),
    { a: { ids: ['b'] } },
  ])
})

test('whoever waits for a comparison when analytics stops is told', async () => {
  await using analytics = await startComparisons()
  const { db, answering } = analytics
  await analytics.store('a', (n) => 4 + spread(n, 1))
  let asked: Promise<unknown>[] = []
  let stopped: PromiseLike<void> | undefined
  await db.transaction().execute(async (transaction) => {
    await sql`LOCK TABLE experiment_block`.execute(transaction)
    asked = [1, 2].map((seed) => analytics.compare({ a: ['a'], b: ['a'], seed }).catch(messageOf))
    await until(async () => {
      const { rows } = await sql`
        SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.execute(db)
      return rows.length > 0
    })
    stopped = answering[Symbol.asyncDispose]()
  })
  await stopped

  const told = expect.stringContaining('analytics stops')
  expect(await Promise.all(asked)).toEqual([told, told])
})
