import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { readStream } from '@corroport/bus'
import { configPlanned, type Rollout, rolloutChanged, rolloutSteered } from '@corroport/contracts'
import { readPidFile } from '@corroport/node-process/process-ref.ts'
import { stopProcess, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { developmentAgent } from '../../../infra/setup/find-agent.mjs'
import {
  brokenEdit,
  by,
  newEdit,
  type RolloutCluster,
  startRolloutCluster,
} from './rollout-cluster.ts'

jest.setTimeout(90_000)

let cluster: RolloutCluster
beforeAll(async () => {
  cluster = await startRolloutCluster({
    count: 3,
    program: developmentAgent.path,
    gateTimeoutMs: 5000,
    silenceMs: 6000,
  })
})
afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const steer = (id: string, action: 'pause' | 'resume' | 'abort', nodeId: string) =>
  cluster.bus.request(rolloutSteered, { nodeId }, { id, action, by })

const statesOf = ({ nodes }: Rollout): Record<string, string> =>
  Object.fromEntries(nodes.map((step) => [step.node_id, step.state]))

test('a plan is rolled out once, node by node, and each change of it is told', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  expect(plan.node_ids).toEqual(['node2', 'node3', 'node1'])

  const begun = await cluster.apply(plan)
  const rollout = await cluster.untilEnded(plan.id)

  expect(begun).toMatchObject({ id: plan.id, state: 'running', version: 1 })
  expect(rollout).toMatchObject({ state: 'succeeded', reason: null, coordinator: 'node1' })
  for (const step of rollout.nodes) {
    const gates = ['stop', 'start', 'http', 'subscription', 'members', 'canary-out', 'canary-in']
    expect(Object.keys(step.steps_ms)).toEqual(expect.arrayContaining(gates))
    expect(cluster.digest(step.node_id)).toBe(step.sha256_after)
  }
  const told = await until(async () => {
    const versions = (await readStream(cluster.bus, 'LIFECYCLE'))
      .filter(({ subject }) => subject === rolloutChanged.subject({ nodeId: 'node1' }))
      .map(({ text }) => rolloutChanged.parse(JSON.parse(text)).rollout)
    return versions.at(-1)?.state === 'succeeded' && versions
  })
  expect(told.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(told.at(-1)).toEqual(rollout)

  await expect(cluster.apply(plan)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
  const same = await cluster.plan(plan.edit)
  expect(same).toMatchObject({ problems: ['nothing would change'], node_ids: [] })
})

test('a node whose agent does not come back is back on its old file, the others untouched', async () => {
  const plan = await cluster.untilPlanned(brokenEdit)

  await cluster.apply(plan)
  const rollout = await cluster.untilEnded(plan.id)

  expect(rollout).toMatchObject({
    state: 'stopped',
    reason: 'node2: the agent ended during its start',
  })
  expect(rollout.nodes[0]?.reason).toContain('192.0.2.1:9')
  expect(statesOf(rollout)).toEqual({ node2: 'rolled-back', node3: 'skipped', node1: 'skipped' })
  for (const step of rollout.nodes) expect(cluster.digest(step.node_id)).toBe(step.sha256_before)
})

test('also with nats away, and the rollout ends when it is back', async () => {
  const plan = await cluster.untilPlanned(brokenEdit)

  const begun = await cluster.apply(plan)
  await cluster.untilWritten(begun, 'node2')
  await cluster.nats.kill()
  await until(() => cluster.digest('node2') === begun.nodes[0]?.sha256_before)
  await cluster.nats.start()

  const rollout = await cluster.untilEnded(plan.id)
  expect(statesOf(rollout)).toEqual({ node2: 'rolled-back', node3: 'skipped', node1: 'skipped' })
})

test('a node that another one cannot see again is rolled back', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  const begun = await cluster.apply(plan)
  await cluster.untilWritten(begun, 'node2')
  // The agent hangs: its node says so, and what it last saw gets old.
  const blind = readPidFile(join(cluster.nodes[2]?.folder ?? '', 'agent.pid'))?.pid ?? 0
  await stopProcess(blind)

  const rollout = await cluster.untilEnded(plan.id)
  process.kill(blind, 'SIGCONT')

  expect(rollout).toMatchObject({
    state: 'stopped',
    reason: expect.stringMatching(/node3 (has|can)/),
  })
  expect(statesOf(rollout)).toEqual({ node2: 'rolled-back', node3: 'skipped', node1: 'skipped' })
  expect(cluster.digest('node2')).toBe(begun.nodes[0]?.sha256_before)
})

test('it is paused, resumed and aborted through any node', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  await cluster.apply(plan)
  await steer(plan.id, 'pause', 'node3')
  const paused = await until(async () => {
    const found = await cluster.rollout(plan.id)
    return found?.state === 'paused' && found
  })
  expect(statesOf(paused)).toEqual({ node2: 'done', node3: 'waiting', node1: 'waiting' })
  const other = await cluster.plan(newEdit(), 'node2')
  expect(other.problems).toEqual([`rollout ${plan.id} is paused, coordinated by node1`])

  await steer(plan.id, 'resume', 'node2')
  await steer(plan.id, 'abort', 'node1')
  const rollout = await cluster.untilEnded(plan.id)

  expect(rollout).toMatchObject({ state: 'aborted', reason: `aborted by ${by}` })
  const { node1 } = statesOf(rollout)
  expect(node1).toBe('skipped')
  await expect(steer(plan.id, 'resume', 'node1')).rejects.toThrow('has ended: aborted')
  await expect(steer('node1_none', 'abort', 'node1')).rejects.toThrow('there is no rollout')
})

test('of two rollouts that begin at one moment one is refused', async () => {
  const edit = newEdit()
  const plans = await Promise.all([
    cluster.untilPlanned(edit, 'node1'),
    cluster.untilPlanned(edit, 'node2'),
  ])

  const begun = await Promise.allSettled([
    cluster.apply(plans[0], 'node1'),
    cluster.apply(plans[1], 'node2'),
  ])

  const refused = begun.filter((one) => one.status === 'rejected')
  expect(refused).toHaveLength(1)
  expect(String(refused[0]?.reason)).toMatch(/is running, coordinated by|at the same moment/)
  const [running] = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  if (!running) throw new Error('unreachable: one of two was refused')
  expect((await cluster.untilEnded(running.id, 'node3')).state).toBe('succeeded')
})

test('a plan is not applied after a file was changed by hand', async () => {
  const plan = await cluster.untilPlanned(newEdit())
  appendFileSync(cluster.fileOf('node3'), '# by hand\n')

  await expect(cluster.apply(plan)).rejects.toMatchObject({
    refusal: {
      code: 'conflict',
      problems: ['node3: its file has changed since the plan was made'],
    },
  })
  await expect(cluster.apply({ ...plan, id: 'node1_none' })).rejects.toMatchObject({
    refusal: { code: 'not-found' },
  })
})

test('what cannot be is refused in the plan, all of it at once', async () => {
  const planOf = (bootstrap: string[], nodes: 'all' | string[] = 'all') =>
    cluster.bus.request(configPlanned, { nodeId: 'node1' }, { edit: { bootstrap }, nodes, by })

  await expect(planOf(['127.0.0.1', 'x:0', '"x":1'])).rejects.toMatchObject({
    refusal: { code: 'invalid', problems: { length: 3 } },
  })
  await expect(planOf(['x:1'], ['node2', 'node8', 'node9'])).rejects.toMatchObject({
    refusal: { problems: ['there is no node node8', 'there is no node node9'] },
  })
  const { plan } = await planOf([])
  expect(plan.problems).toEqual([
    expect.stringContaining('node1 | node2 | node3'),
    expect.stringContaining('node1 names no other node'),
    expect.stringContaining('node2 names no other node'),
    expect.stringContaining('node3 names no other node'),
  ])
  await expect(cluster.apply(plan)).rejects.toMatchObject({ refusal: { code: 'invalid' } })
})
