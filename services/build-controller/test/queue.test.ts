// The queue as the database has it, under many at once.
import { type Postgres, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Pool } from 'pg'
import { insertBuild } from '../src/store/builds.ts'
import { beat, cancel, claim, finish, takeBack } from '../src/store/queue.ts'
import { register } from '../src/store/workers.ts'
import { createId, createToken, hashOf } from '../src/tokens.ts'
import { createDatabase } from './harness.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
})

const limits = { maxLosses: 3, delaySeconds: 0 }

interface Wish {
  platform?: 'ios' | 'android'
  labels?: string[]
  priority?: number
}

async function add(pool: Pool, { platform = 'ios', labels = [], priority = 0 }: Wish = {}) {
  const id = createId()
  const source = { name: 'source', bytes: 1, sha256: hashOf(id) }
  await insertBuild(pool, {
    id,
    owner: 'controller',
    platform,
    labels,
    priority,
    tokenHash: hashOf(createToken()),
    idempotencyKey: null,
    retryOf: null,
    source,
    certs: null,
  })
  return id
}

async function addWorker(pool: Pool, platforms = ['ios'], labels: string[] = []) {
  const id = createId()
  const tokenHash = hashOf(createToken())
  await register(pool, { id, name: id, platforms, labels, capabilities: {}, tokenHash })
  return { id, tokenHash }
}

function next(pool: Pool, worker: { tokenHash: Buffer }) {
  const leaseHash = hashOf(createToken())
  const secrets = { leaseHash, otpHash: hashOf(createToken()), leaseSeconds: 60 }
  return claim(pool, { tokenHash: worker.tokenHash }, secrets).then((found) => ({
    ...found,
    leaseHash,
  }))
}

const artifact = { name: 'result-1', bytes: 3, sha256: hashOf('ipa') }

test('forty workers at once claim a thousand builds, each of them once', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const builds = await Promise.all(Array.from({ length: 1000 }, () => add(pool)))
  const workers = await Promise.all(Array.from({ length: 40 }, () => addWorker(pool)))
  const claimed: string[] = []

  await Promise.all(
    workers.map(async (worker) => {
      for (;;) {
        const found = await next(pool, worker)
        if (found.build_id === null) return
        claimed.push(found.build_id)
        const holder = { leaseHash: found.leaseHash }
        await finish(pool, found.build_id, holder, { status: 'failed', reason: 'tried' })
      }
    }),
  )

  expect(claimed.toSorted()).toEqual(builds.toSorted())
})

test('two polls of one worker at once get the same build', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  await add(pool)
  await add(pool)
  const worker = await addWorker(pool)

  const found = await Promise.all(Array.from({ length: 8 }, () => next(pool, worker)))

  expect(new Set(found.map(({ build_id }) => build_id)).size).toBe(1)
  expect(found.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1)
})

test('a worker gets what it can build, the oldest first, priority being worth minutes', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const android = await add(pool, { platform: 'android' })
  const first = await add(pool)
  const labelled = await add(pool, { labels: ['xcode-16'] })
  const urgent = await add(pool, { priority: 1 })
  const old = await add(pool)
  await pool.query(`UPDATE builds.build SET position = now() - interval '1 hour' WHERE id = $1`, [
    old,
  ])

  const order: (string | null)[] = []
  for (let at = 0; at < 4; at += 1) {
    order.push((await next(pool, await addWorker(pool))).build_id)
  }

  expect(order).toEqual([old, urgent, first, null])
  const labels = ['m2', 'xcode-16']
  expect((await next(pool, await addWorker(pool, ['ios'], labels))).build_id).toBe(labelled)
  expect((await next(pool, await addWorker(pool, ['ios', 'android']))).build_id).toBe(android)
})

test('what has ended stays so, whoever reports whatever', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const id = await add(pool)
  const worker = await addWorker(pool)
  const { leaseHash } = await next(pool, worker)
  const holder = { leaseHash }
  const done = { status: 'completed', result: artifact } as const

  expect((await finish(pool, id, holder, { status: 'completed' })).outcome).toBe('no-result')
  expect((await finish(pool, id, { leaseHash: hashOf('x') }, done)).outcome).toBe('not-held')
  expect((await finish(pool, id, {}, done)).outcome).toBe('not-held')
  expect((await finish(pool, id, holder, done)).outcome).toBe('finished')
  expect((await finish(pool, id, holder, done)).outcome).toBe('repeated')
  expect((await finish(pool, id, holder, { status: 'completed' })).outcome).toBe('repeated')
  expect((await finish(pool, id, { workerHash: worker.tokenHash }, done)).outcome).toBe('repeated')
  const other = { ...artifact, sha256: hashOf('another') }
  expect((await finish(pool, id, holder, { ...done, result: other })).outcome).toBe('ended')
  expect((await finish(pool, id, holder, { status: 'failed' })).outcome).toBe('ended')
  expect((await cancel(pool, id, 'late')).outcome).toBe('ended')
  expect((await beat(pool, id, holder, 60)).outcome).toBe('ended')
  await expect(
    pool.query(`UPDATE builds.build SET status = 'pending', finished_at = NULL WHERE id = $1`, [
      id,
    ]),
  ).rejects.toThrow('a build that is completed does not become pending')
})

test('a lost build is given out again, and nothing of the first attempt is accepted', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const id = await add(pool)
  const lost = await addWorker(pool)
  const first = await next(pool, lost)
  await beat(pool, id, { leaseHash: first.leaseHash }, 60)
  const loss = { failure: 'lost-worker', reason: 'silent', counts: true } as const
  const { rows } = await pool.query(`SELECT beat FROM builds.build WHERE id = $1`, [id])

  const early = await takeBack(pool, id, { ...loss, attempt: 1, beat: '0' }, limits)
  expect(early.outcome).toBe('not-held')
  const taken = await takeBack(pool, id, { ...loss, attempt: 1, beat: rows[0].beat }, limits)
  expect(taken.outcome).toBe('requeued')
  const second = await next(pool, await addWorker(pool))

  expect(second).toMatchObject({ build_id: id, attempt: 2 })
  const done = { status: 'completed', result: artifact } as const
  expect((await finish(pool, id, { leaseHash: first.leaseHash }, done)).outcome).toBe('not-held')
  expect((await finish(pool, id, { workerHash: lost.tokenHash }, done)).outcome).toBe(
    'unknown-worker',
  )
  expect((await finish(pool, id, { workerId: lost.id }, done)).outcome).toBe('not-held')
  expect((await beat(pool, id, { leaseHash: first.leaseHash }, 60)).outcome).toBe('not-held')
  expect((await finish(pool, id, { leaseHash: second.leaseHash }, done)).outcome).toBe('finished')
})

test('a build whose workers were lost too often is dead, with the reason', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const id = await add(pool)
  const loss = { beat: null, failure: 'lost-worker', reason: 'silent', counts: true } as const
  const outcomes: string[] = []

  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await next(pool, await addWorker(pool))
    outcomes.push((await takeBack(pool, id, { ...loss, attempt }, limits)).outcome)
  }

  expect(outcomes).toEqual(['requeued', 'requeued', 'dead'])
  const { rows } = await pool.query(
    `SELECT status, reason, failure, losses, finished_at IS NOT NULL AS has_ended
      FROM builds.build WHERE id = $1`,
    [id],
  )
  expect(rows).toEqual([
    { status: 'dead', reason: 'silent', failure: 'lost-worker', losses: 3, has_ended: true },
  ])
})

test('a finished build has its time, and a waiting one no secrets, whoever writes', async () => {
  await using database = await createDatabase(postgres)
  const { pool } = database
  const id = await add(pool)

  await expect(
    pool.query(`UPDATE builds.build SET status = 'cancelled' WHERE id = $1`, [id]),
  ).rejects.toThrow('finished_has_time')
  await expect(
    pool.query(`UPDATE builds.build SET lease_hash = '' WHERE id = $1`, [id]),
  ).rejects.toThrow('pending_has_no_secrets')
})
