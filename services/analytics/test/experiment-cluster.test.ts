// One experiment through everything: gateways, agents, NATS, Postgres, and back as figures.
import { rmSync } from 'node:fs'
import { type Bus, CommandError, connectBus } from '@corroport/bus'
import {
  clocksQueried,
  type ExperimentPlan,
  experimentCreated,
  experimentQueried,
  figuresQueried,
  ledgerQueried,
} from '@corroport/contracts'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Cluster, startCluster } from '../../../infra/local/src/cluster.ts'
import type { Part } from '../../../infra/local/src/part.ts'
import { plan } from './experiment-harness.ts'
import { quiet } from './harness.ts'

jest.setTimeout(120_000)

const count = Number(process.env.CORROPORT_MESSAGES ?? 60)
const origins = ['node1', 'node2', 'node3']
const folder = createTemporaryFolder()
let cluster: Cluster
let bus: Bus

beforeAll(async () => {
  cluster = await startCluster({
    home: folder.path,
    portOffset: 'free',
    analytics: true,
    environment: { ...process.env, ACK_WAIT_MS: '20000' },
  })
  await cluster.ready()
  bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log: quiet })
  await until(() => bus.isConnected)
})
afterAll(async () => {
  await bus[Symbol.asyncDispose]()
  await cluster[Symbol.asyncDispose]()
  // Of root it lies outside of the folder.
  rmSync(cluster.layout.postgresFolder, { recursive: true, force: true })
  folder[Symbol.dispose]()
})

async function begin(id: string, changes: Partial<ExperimentPlan>): Promise<void> {
  await until(async () => {
    try {
      await bus.request(
        experimentCreated,
        {},
        { id, plan: plan({ name: id, origins, ...changes }), by: 'ann', start: true },
      )
      return true
    } catch (error) {
      // Not everyone was announced to analytics yet.
      if (error instanceof CommandError && error.refusal?.code === 'invalid') return false
      throw error
    }
  })
}

const untilEnded = (id: string) =>
  until(async () => {
    const answer = await bus.request(experimentQueried, {}, { id }).catch(() => undefined)
    return answer && !['running', 'finishing'].includes(answer.experiment.status) && answer
  }, 60_000)

/** Killed, and started as its supervisor would. */
async function restart(part: Part): Promise<void> {
  await part.kill()
  part.start()
}

const untilSent = (id: string, wanted: number) =>
  until(async () => {
    const answer = await bus.request(experimentQueried, {}, { id }).catch(() => undefined)
    return answer && answer.progress.sent >= wanted
  })

test('both transports, nothing lost, with figures and the clocks of all nodes', async () => {
  await begin('whole', { transports: ['gossip', 'direct'], count, interval_ms: 20 })
  const { experiment, progress } = await untilEnded('whole')

  expect(experiment).toMatchObject({ status: 'finished', reason: null, expected: origins })
  const { agentKind } = cluster.shape
  const agents = experiment.environment?.nodes.map((node) => [
    node.agent_kind,
    /^\d+\.\d+\.\d+/.test(node.agent_version ?? ''),
  ])
  expect(agents).toEqual(origins.map(() => [agentKind, agentKind === 'real']))
  expect(progress).toMatchObject({ sent: 2 * count, expected_acks: 4 * count, acks: 4 * count })
  const { figures } = await bus.request(figuresQueried, {}, { id: 'whole' })
  expect(figures.transports.map(({ transport, counts }) => [transport, counts.lost])).toEqual([
    ['gossip', 0],
    ['direct', 0],
  ])
  const clocks = await until(async () => {
    const answer = await bus.request(clocksQueried, {}, {})
    return answer.clocks.filter(({ offset_ms }) => offset_ms !== null).length === 3 && answer.clocks
  })
  expect(clocks.map(({ node_id }) => node_id)).toEqual(origins)
})

test('a gateway killed in the middle: what it could not send is said', async () => {
  // Long enough that what is seen of it late, on a busy machine, is still its middle.
  await begin('gateway-killed', { count: 150, interval_ms: 80 })
  await untilSent('gateway-killed', 15)
  await restart(cluster.node(2).service('gateway'))
  const { experiment, progress } = await untilEnded('gateway-killed')

  expect(experiment.status).toBe('interrupted')
  expect(experiment.reason).toMatch(/node2 skipped \d+ of 50/)
  expect(progress.sent + progress.skipped).toBe(150)
})

test('analytics and nats killed in the middle: it goes on', async () => {
  await begin('others-killed', { count: 200, interval_ms: 30 })
  await untilSent('others-killed', 15)
  await Promise.all([restart(cluster.part('analytics')), restart(cluster.part('nats'))])
  const { experiment, progress } = await untilEnded('others-killed')

  expect(experiment).toMatchObject({ status: 'finished', reason: null })
  expect(progress).toMatchObject({ sent: 200, expected_acks: 400, acks: 400 })
  await until(async () => (await bus.request(ledgerQueried, {}, {})).is_balanced)
})
