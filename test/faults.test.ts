// Every part is killed under load. Truth is what lies in Corrosion afterwards: each of its rows must
// have been accepted, observed, received and acknowledged exactly once in the records.
import { setTimeout as wait } from 'node:timers/promises'
import { connectBus } from '@corroport/bus'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, startCluster } from '@corroport/local'
import {
  countRecords,
  createTemporaryFolder,
  findMiscounts,
  seededRandom,
  sendSteadily,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pino from 'pino'

jest.setTimeout(200_000)

const log = pino({ level: 'silent' })
const nodeIds = ['node1', 'node2', 'node3']
const home = createTemporaryFolder()
const seed = Number(process.env.CORROPORT_SEED ?? Date.now() % 1_000_000)
const random = seededRandom(seed)
let cluster: Cluster

beforeAll(async () => {
  process.stderr.write(`seed of the random moments: CORROPORT_SEED=${seed}\n`)
  cluster = await startCluster({
    home: home.path,
    portOffset: 'free',
    isProcessPerService: true,
    environment: { ...process.env, AUDIT_INTERVAL_SECONDS: '5' },
  })
  await cluster.ready()
})

afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

interface Fault {
  name: string
  strike: () => Promise<void>
}

const killed = (service: 'subscriber' | 'ack-sender' | 'gateway', node: number): Fault => ({
  name: `kill -9 of the ${service} of node${node}`,
  strike: async () => {
    const part = cluster.node(node).service(service)
    await part.kill('SIGKILL')
    part.start()
  },
})

const natsGone = (milliseconds: number, isWiped: boolean): Fault => ({
  name: `kill -9 of nats-server, ${milliseconds / 1000} s away${isWiped ? ', its store wiped' : ''}`,
  strike: async () => {
    const { nats } = cluster
    if (!nats) throw new Error('unreachable: the cluster runs nats')
    await nats.kill('SIGKILL')
    if (isWiped) nats.wipe()
    await wait(milliseconds)
    nats.start()
  },
})

const agentGone = (signal: 'SIGTERM' | 'SIGKILL', node: number): Fault => ({
  name: `${signal} of the agent of node${node}`,
  strike: async () => {
    const { agent } = cluster.node(node)
    await agent.kill(signal)
    await wait(1000)
    agent.start()
  },
})

const faults: Fault[] = [
  killed('subscriber', 2),
  killed('ack-sender', 3),
  killed('gateway', 1),
  natsGone(2000, false),
  natsGone(30_000, false),
  agentGone('SIGTERM', 2),
  agentGone('SIGKILL', 3),
  natsGone(2000, true),
]

test.each(faults)('nothing is lost or counted twice: $name', async ({ name, strike }) => {
  const startedAt = performance.now()
  const struck = wait(1000 + random() * 3000).then(strike)
  const load = await sendSteadily({
    urls: cluster.nodes.map(({ apiUrl }) => apiUrl),
    ratePerSecond: 50,
    durationMs: 6000,
    content: name,
  })
  await struck
  const recoveredFrom = performance.now()

  const problems = await settled(recoveredFrom + 60_000)

  const rows = await rowsEverywhere()
  process.stderr.write(
    `${name}: ${load.answered} of ${load.attempted} sends answered, ${rows.length} rows so far, whole ${Math.round(performance.now() - recoveredFrom)} ms after recovery, ${Math.round(performance.now() - startedAt)} ms in all\n`,
  )
  expect(problems).toEqual([])
  // Every send that was answered is a row; more rows may exist, of sends whose answer was lost.
  const ofThis = rows.filter(({ content }) => content.startsWith(`${name} `))
  expect(ofThis.length).toBeGreaterThanOrEqual(load.answered)
})

interface Row {
  messageId: string
  originNodeId: string
  content: string
}

async function rowsOf(agentUrl: string): Promise<Row[]> {
  await using client = createCorrosionClient({ url: agentUrl })
  const { rows } = await client.query('SELECT pk, node_id, message FROM node_messages ORDER BY pk')
  return rows.map(([pk, nodeId, message]) => ({
    messageId: String(pk),
    originNodeId: String(nodeId),
    content: String(message),
  }))
}

/** The rows, once all agents have the same. */
async function rowsEverywhere(): Promise<Row[]> {
  const [first, ...others] = await Promise.all(cluster.nodes.map((node) => rowsOf(node.agentUrl)))
  const text = JSON.stringify(first)
  if (first && others.every((rows) => JSON.stringify(rows) === text)) return first
  throw new Error('the agents do not agree')
}

/** What is wrong with the records, as soon as nothing is, or at the deadline. */
async function settled(deadline: number): Promise<string[]> {
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  for (;;) {
    let problems: string[]
    try {
      problems = findMiscounts(await countRecords(bus), await rowsEverywhere(), nodeIds)
    } catch (error) {
      problems = [String(error)]
    }
    if (problems.length === 0 || performance.now() > deadline) return problems.slice(0, 20)
    await wait(500)
  }
}
