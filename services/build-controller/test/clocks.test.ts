// A clock of Postgres that jumps is, to all that is compared with it, the same as times of rows that jump.
import { setTimeout as wait } from 'node:timers/promises'
import { until } from '@corroport/testing'
import { expect, jest, test } from '@jest/globals'
import { registerWorker, startController, startPostgresOfFile, submit } from './harness.ts'

jest.setTimeout(60_000)
const postgres = startPostgresOfFile()
const leaseSeconds = 3

test.each(['an hour ahead', 'an hour back'])(
  'a clock that jumps %s costs no build, and keeps none from its worker',
  async (jump) => {
    await using controller = await startController(postgres(), {
      LEASE_SECONDS: String(leaseSeconds),
      FIRST_LEASE_SECONDS: String(leaseSeconds),
      RETRY_SECONDS: '1',
    })
    const { pool } = controller
    const worker = await registerWorker(controller)
    const held = await submit(controller)
    const poll = async (who: { headers: Record<string, string> }) =>
      (await controller.ask('/api/workers/poll', { headers: who.headers })).body['job']
    const job = await poll(worker)
    const lost = await submit(controller)
    const another = await registerWorker(controller)
    expect((await poll(another)).id).toBe(lost.id)
    await controller.ask('/api/workers/abandon', {
      headers: another.headers,
      body: { build_id: lost.id },
    })
    const waiting = await submit(controller)
    const beat = () =>
      controller.ask(`/api/builds/${held.id}/heartbeat`, {
        method: 'POST',
        headers: { 'x-lease-token': job.lease_token },
      })

    const shift = `interval '1 hour' * ${jump === 'an hour ahead' ? -1 : 1}`
    await pool.query(
      `UPDATE builds.build SET submitted_at = submitted_at + ${shift}, position = position + ${shift},
      available_at = available_at + ${shift}, assigned_at = assigned_at + ${shift},
      started_at = started_at + ${shift}, heard_at = heard_at + ${shift}`,
    )
    await pool.query(`UPDATE builds.worker SET seen_at = seen_at + ${shift}`)

    // More than a lease, and than the look that takes back.
    const beats = []
    const end = performance.now() + (leaseSeconds + 3) * 1000
    while (performance.now() < end) {
      beats.push((await beat()).status)
      await wait(500)
    }
    expect(new Set(beats)).toEqual(new Set([200]))
    // Both are given out: the one that was abandoned, whose back-off is over or seems to be for ever, too.
    const given = [await poll(another), await poll(await registerWorker(controller))]
    expect(new Set(given.map(({ id }) => id))).toEqual(new Set([lost.id, waiting.id]))
    // Who falls silent is noticed all the same.
    await until(async () => (await beatless(held.id)) === 2)

    async function beatless(id: string): Promise<number> {
      const next = await registerWorker(controller)
      const found = await poll(next)
      return found?.id === id ? found.attempt : 1
    }
  },
)
