// What a rollout survives: its coordinator, its store, and the node that is being changed.
import { setTimeout as wait } from 'node:timers/promises'
import { configPlanned, type Rollout } from '@corroport/contracts'
import { seededRandom, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { findAgent } from '../../../infra/setup/find-agent.mjs'
import {
  brokenEdit,
  by,
  newEdit,
  type RolloutCluster,
  startRolloutCluster,
} from './rollout-cluster.ts'

const kills = Number(process.env.CORROPORT_KILLS ?? 5)
// Development agents, since many restarts are wanted, and a real one takes five seconds to stop.
const agent = findAgent(
  process.env,
  process.env.CORROPORT_AGENTS === 'real' ? 'real' : 'development',
)
const rolloutMs = agent.kind === 'real' ? 25_000 : 6000
jest.setTimeout(90_000)

let cluster: RolloutCluster
beforeAll(async () => {
  cluster = await startRolloutCluster({
    count: 3,
    program: agent.path,
    gateTimeoutMs: 15_000,
    silenceMs: 6000,
  })
})
afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

/** Every file is what the document says; a node that failed undoes it when it is back. */
async function untilWhole(rollout: Rollout): Promise<void> {
  for (const { node_id, state, sha256_before, sha256_after } of rollout.nodes) {
    const wanted = state === 'done' ? sha256_after : sha256_before
    await until(() => cluster.digest(node_id) === wanted)
  }
}

test('the store of nats is lost in the middle, and the rollout goes on', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  const begun = await cluster.apply(plan)
  await cluster.untilWritten(begun, 'node2')

  await cluster.nats.kill()
  cluster.nats.wipe()
  await cluster.nats.start()

  const rollout = await cluster.untilEnded(plan.id)
  expect(rollout.state).toBe('succeeded')
  await untilWhole(rollout)
})

test('a coordinator that was thought dead comes back and can do nothing', async () => {
  const plan = await cluster.untilPlanned(newEdit(), 'node3')
  await cluster.apply(plan, 'node3')
  await cluster.kill('node3', 'SIGSTOP')

  await until(async () => {
    const found = await cluster.rollout(plan.id, 'node2')
    return found && found.coordinator !== 'node3'
  })
  await cluster.kill('node3', 'SIGCONT')
  const rollout = await cluster.untilEnded(plan.id)

  expect(rollout.coordinator).not.toBe('node3')
  expect(cluster.logOf('node3')).toContain('"state":"taken over"')
  const [, seconds] =
    /"seconds":([\d.]+),"msg":"took over"/.exec(cluster.logOf(rollout.coordinator)) ?? []
  expect(Number(seconds)).toBeGreaterThanOrEqual(5)
  await untilWhole(rollout)
})

test('a node that dies in its step is given up, and undoes it when it is back', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  const begun = await cluster.apply(plan)
  await cluster.untilWritten(begun, 'node2')
  await cluster.kill('node2')

  const rollout = await cluster.untilEnded(plan.id, 'node1')
  expect(rollout.state).toBe('stopped')
  expect(rollout.nodes.map(({ state }) => state)).toEqual(['failed', 'skipped', 'skipped'])

  // By then it is not the newest rollout any more.
  const request = { edit: newEdit(), nodes: ['node3'], by }
  const { plan: next } = await cluster.bus.request(configPlanned, { nodeId: 'node1' }, request)
  await cluster.apply(next)
  expect((await cluster.untilEnded(next.id, 'node1')).state).toBe('succeeded')
  await cluster.start('node2')
  await until(() => cluster.digest('node2') === begun.nodes[0]?.sha256_before)
})

test(
  `the coordinator is killed at ${kills} random points, and every rollout ends whole`,
  async () => {
    const seed = Number(process.env.CORROPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
    process.stdout.write(`seed ${seed}\n`)
    const random = seededRandom(seed)
    for (let round = 0; round < kills; round += 1) {
      const { id } = await cluster.untilBegun(random() < 0.2 ? brokenEdit : newEdit())
      const killedAfterMs = Math.floor(random() * rolloutMs)
      const awayMs = Math.floor(random() * 7000)
      await wait(killedAfterMs)
      await cluster.kill('node1')
      await wait(awayMs)
      await cluster.start('node1')

      const rollout = await cluster.untilEnded(id)
      await untilWhole(rollout)
      const states = rollout.nodes.map(({ state }) => state).join(' ')
      process.stdout.write(
        `killed after ${killedAfterMs} ms, back ${awayMs} ms later: epoch ${rollout.epoch}, ${rollout.state}, ${states}\n`,
      )
      // Both that it is not stuck and that each node says the same of it.
      await until(async () => (await cluster.rollout(id, 'node1'))?.state === rollout.state)
      expect(rollout.nodes.some(({ state }) => state === 'waiting')).toBe(false)
    }
  },
  30_000 + kills * 90_000,
)
