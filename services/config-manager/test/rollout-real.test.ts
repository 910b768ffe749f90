// What only real agents can show: those that `startRealAgent()` starts, here as children of their
// config-managers.
import { setTimeout as wait } from 'node:timers/promises'
import { readStream } from '@corroport/bus'
import {
  configPlanned,
  lifecycleReady,
  lifecycleRestarting,
  type RecordDefinition,
} from '@corroport/contracts'
import { type CorrosionClient, createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import type { TSchema } from 'typebox'
import { findAgent } from '../../../infra/setup/find-agent.mjs'
import { by, newEdit, type RolloutCluster, startRolloutCluster } from './rollout-cluster.ts'

const messagesPerSecond = 20

test('five nodes are changed under load: never two agents down, no message lost', async () => {
  const program = findAgent(process.env, 'real').path
  await using cluster = await startRolloutCluster({ count: 5, program })
  await using load = startLoad(cluster)

  const { id } = await cluster.untilBegun(newEdit())
  const rollout = await cluster.untilEnded(id)
  const written = await load.stop()

  expect(rollout).toMatchObject({ state: 'succeeded' })
  for (const { node_id, steps_ms } of rollout.nodes) {
    process.stdout.write(`${node_id}: ${JSON.stringify(steps_ms)}\n`)
  }
  const down = await absences(cluster)
  expect(down.length).toBeGreaterThanOrEqual(5)
  for (const [index, { nodeId, to }] of down.entries()) {
    const next = down[index + 1]
    if (next && next.from < to) throw new Error(`${nodeId} and ${next.nodeId} were down together`)
  }
  for (const client of load.clients) await until(() => hasAll(client, written))
  process.stdout.write(`${written.length} messages written, all on all nodes\n`)
}, 180_000)

test('a gossip address that cannot be bound is undone by the node alone, nats away', async () => {
  const program = findAgent(process.env, 'real').path
  await using cluster = await startRolloutCluster({ count: 3, program })
  const before = cluster.nodes.map(({ nodeId }) => cluster.digest(nodeId))
  const edit = { settings: { 'gossip.addr': '192.0.2.1:8787' } }
  const request = { edit, nodes: ['node2'], by }
  const { plan } = await cluster.bus.request(configPlanned, { nodeId: 'node1' }, request)
  expect(plan.problems).toEqual([])

  await cluster.apply(plan)
  await until(() => cluster.digest('node2') !== before[1])
  await cluster.nats.kill()
  await until(() => cluster.digest('node2') === before[1])
  const client = createCorrosionClient({ url: cluster.nodes[1]?.agentUrl ?? '' })
  await until(() => client.actorId().catch(() => undefined))
  await client[Symbol.asyncDispose]()
  await cluster.nats.start()

  const rollout = await cluster.untilEnded(plan.id)
  expect(rollout).toMatchObject({ state: 'stopped', nodes: [{ state: 'rolled-back' }] })
  process.stdout.write(`${rollout.reason}: ${JSON.stringify(rollout.nodes[0]?.steps_ms)}\n`)
  expect(cluster.nodes.map(({ nodeId }) => cluster.digest(nodeId))).toEqual(before)
}, 180_000)

/** Writes to the agents in turn, by the next one where one is away. */
function startLoad(cluster: RolloutCluster) {
  const clients = cluster.nodes.map(({ agentUrl }) => createCorrosionClient({ url: agentUrl }))
  const stopping = new AbortController()
  const { signal } = stopping
  const written: string[] = []
  const running = (async () => {
    for (let index = 0; !signal.aborted; index += 1) {
      const due = wait(1000 / messagesPerSecond)
      for (let attempt = 0; attempt < clients.length; attempt += 1) {
        const client = clients[(index + attempt) % clients.length]
        const pk = `load_${index}_${attempt}`
        try {
          await client?.transact([['INSERT INTO node_messages (pk) VALUES (?)', [pk]]])
          written.push(pk)
          break
        } catch {
          // This one is being restarted.
        }
      }
      await due
    }
  })()
  return {
    clients,
    async stop() {
      stopping.abort()
      await running
      return written
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
    },
  }
}

async function hasAll(client: CorrosionClient, written: readonly string[]): Promise<boolean> {
  const { rows } = await client.query('SELECT pk FROM node_messages')
  const found = new Set(rows.map(([pk]) => pk))
  return written.every((pk) => found.has(pk))
}

/** From `restarting` to `ready` of each restart, in the order in which they began. */
async function absences({ bus, nodes }: RolloutCluster) {
  const records = await readStream(bus, 'LIFECYCLE')
  const told = <S extends TSchema>(event: RecordDefinition<string, S>, nodeId: string) =>
    records
      .filter(({ subject }) => subject === event.subject({ nodeId }))
      .map(({ text }) => event.parse(JSON.parse(text)))
  return nodes
    .flatMap(({ nodeId }) => {
      const ready = told(lifecycleReady, nodeId)
      return told(lifecycleRestarting, nodeId)
        .filter(({ reason }) => reason.startsWith('configuration'))
        .map(({ at: from, restartId }) => {
          const to = ready.find((one) => one.restartId === restartId)?.at
          if (to === undefined) throw new Error(`${nodeId} did not come back`)
          return { nodeId, from, to }
        })
    })
    .toSorted((one, other) => one.from.localeCompare(other.from))
}
