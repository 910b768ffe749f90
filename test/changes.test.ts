// A running cluster is changed as an operator does it, over HTTP.
import { readFileSync } from 'node:fs'
import { connectBus } from '@corroport/bus'
import { answers } from '@corroport/config-manager/service.ts'
import {
  type Operation,
  OperationReply,
  type Plan,
  PlanReply,
  type Rollout,
  RolloutReply,
} from '@corroport/contracts'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pino from 'pino'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { getJson, postJson } from './http.ts'

const home = createTemporaryFolder()
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({ home: home.path, portOffset: 'free', environment: process.env })
  await cluster.ready()
}, 60_000)

afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

async function post<S extends TSchema>(schema: S, path: string, body: unknown): Promise<Static<S>> {
  return Value.Parse(schema, await postJson(`${cluster.node(1).apiUrl}${path}`, body))
}

async function get<S extends TSchema>(schema: S, path: string): Promise<Static<S>> {
  return Value.Parse(schema, await getJson(`${cluster.node(1).apiUrl}${path}`))
}

function ended({ id }: Operation): Promise<Operation> {
  return until(async () => {
    const { operation } = await get(OperationReply, `/api/cluster/operations/${id}`)
    return operation.state !== 'running' && operation
  }, 60_000)
}

async function planned(body: unknown): Promise<Plan> {
  return (await post(PlanReply, '/api/config/plan', body)).plan
}

async function applied(plan: Plan): Promise<Rollout> {
  const body = { plan_id: plan.id, confirm: plan.id }
  await post(RolloutReply, '/api/config/apply', body)
  return until(async () => {
    const { rollout } = await get(RolloutReply, `/api/config/rollouts/${plan.id}`)
    return ['succeeded', 'stopped', 'aborted'].includes(rollout.state) && rollout
  }, 120_000)
}

const fileOf = (node: number): string => readFileSync(cluster.node(node).configPath, 'utf8')

test('every command of the config-manager is answered', async () => {
  await using bus = connectBus({
    url: cluster.shape.natsUrl,
    name: 'test',
    log: pino({ level: 'silent' }),
  })
  const { promise, resolve } = Promise.withResolvers<string[]>()
  await using _asking = bus.onConnected(async ({ nats }) => {
    const silent: string[] = []
    for (const command of answers) {
      const subject = command.filter().replace('*', 'node2')
      // Nothing fits no contract but those that take nothing: a refusal is an answer too.
      await nats.request(subject, '[]', { timeout: 5000 }).catch(() => silent.push(subject))
    }
    resolve(silent)
  })

  expect(await promise).toEqual([])
}, 30_000)

test('an agent is restarted by another node', async () => {
  const { operation } = await post(OperationReply, '/api/node/restart', { node_id: 'node2' })

  const { state, steps } = await ended(operation)

  expect(state).toBe('succeeded')
  expect(steps.map(({ name }) => name)).toEqual(['stop', 'start', 'http', 'subscription'])
}, 60_000)

test('a setting is rolled out node by node, and comments stay', async () => {
  const plan = await planned({ settings: { 'perf.min_sync_backoff': 2 }, nodes: 'all' })

  const rollout = await applied(plan)

  expect(plan.problems).toEqual([])
  expect(rollout).toMatchObject({ state: 'succeeded', reason: null })
  for (const node of [1, 2, 3]) {
    expect(fileOf(node)).toContain('min_sync_backoff = 2')
    expect(fileOf(node)).toContain('# UDP')
  }
}, 150_000)

test('a node that cannot start on its new file is back on the old one, and the rest is untouched', async () => {
  const before = [1, 2, 3].map(fileOf)
  const { port } = new URL(`http://${cluster.node(2).gossipEndpoint}`)
  // An address of documentation: no machine has it.
  const plan = await planned({
    settings: { 'gossip.addr': `192.0.2.1:${port}` },
    nodes: ['node2'],
  })

  const rollout = await applied(plan)

  expect(rollout.state).toBe('stopped')
  expect(rollout.nodes).toMatchObject([{ node_id: 'node2', state: 'rolled-back' }])
  expect([1, 2, 3].map(fileOf)).toEqual(before)
  await cluster.ready()
}, 150_000)

test('the canonical file is put back', async () => {
  const { operation } = await post(OperationReply, '/api/config/restore', { node_id: 'node3' })

  const { state } = await ended(operation)

  expect(state).toBe('succeeded')
  expect(fileOf(3)).not.toContain('min_sync_backoff')
}, 60_000)
