// Restarts of a real agent under load, through its node's API and the supervisor of a local cluster.
import { connectBus, readStream } from '@corroport/bus'
import {
  fromTimestamp,
  lifecycleReady,
  lifecycleRestarting,
  NodeReply,
  type Operation,
  OperationReply,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, startCluster } from '@corroport/local'
import {
  countRecords,
  createTemporaryFolder,
  findMiscounts,
  sendSteadily,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pino from 'pino'
import { Value } from 'typebox/value'
import { findAgent } from '../../../infra/setup/find-agent.mjs'

jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const home = createTemporaryFolder()
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({
    home: home.path,
    nodes: 2,
    portOffset: 'free',
    environment: process.env,
  })
  await cluster.ready()
})
afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

const api = (path: string): string => `${cluster.node(1).apiUrl}${path}`

async function restart(): Promise<Operation> {
  const response = await fetch(api('/api/node/restart'), { method: 'POST' })
  expect(response.status).toBe(202)
  return Value.Parse(OperationReply, await response.json()).operation
}

/** The restarts of node1 that were told, oldest first; `ready` is absent while one goes on. */
async function restarts() {
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  await until(() => bus.isConnected)
  const records = (await readStream(bus, 'LIFECYCLE')).map(({ subject, text }) => ({
    subject,
    value: JSON.parse(text) as unknown,
  }))
  const parsed = <T>(event: { subject(p: { nodeId: string }): string; parse(v: unknown): T }) =>
    records
      .filter(({ subject }) => subject === event.subject({ nodeId: 'node1' }))
      .map(({ value }) => event.parse(value))
  const ready = parsed(lifecycleReady)
  return parsed(lifecycleRestarting).map((restarting) => ({
    restarting,
    ready: ready.find(({ restartId }) => restartId === restarting.restartId),
  }))
}

const millisecondsOf = (timestamp: string): number => (fromTimestamp(timestamp) ?? 0) / 1000

async function lastRestart(count: number) {
  return await until(async () => {
    const { length, [length - 1]: last } = await restarts()
    return length === count && last?.ready && { ...last, ready: last.ready }
  })
}

async function isSubscribed(): Promise<boolean> {
  const node = Value.Parse(NodeReply, await (await fetch(api('/api/node'))).json())
  return node.subscriptions?.every(({ state }) => state === 'live') ?? false
}

/** Waits until so many messages are there, and each was told once wherever it has to be. */
async function untilToldOnce(count: number): Promise<void> {
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  await using client = createCorrosionClient({ url: cluster.node(1).agentUrl })
  await until(() => bus.isConnected)
  let seen = ''
  await until(async () => {
    const { rows } = await client.query('SELECT pk, node_id FROM node_messages')
    const messages = rows.map(([pk, nodeId]) => ({
      messageId: String(pk),
      originNodeId: String(nodeId),
    }))
    const problems = findMiscounts(await countRecords(bus), messages, ['node1', 'node2'])
    seen = `${messages.length} of ${count} rows; ${problems.slice(0, 5).join('; ')}`
    return messages.length === count && problems.length === 0
  }).catch((cause: unknown) => {
    throw new Error(seen, { cause })
  })
}

test('a restart costs what the agent takes to stop, and no message written meanwhile', async () => {
  const load = sendSteadily({
    urls: [cluster.node(2).apiUrl],
    ratePerSecond: 50,
    durationMs: 9000,
  })
  const begun = await restart()
  const second = await fetch(api('/api/node/restart'), { method: 'POST' })
  expect(second.status).toBe(423)

  const { restarting, ready } = await lastRestart(1)
  const { attempted, answered } = await load

  expect(begun).toMatchObject({ kind: 'restart', state: 'running', by: 'operator' })
  expect(Object.keys(ready.stepsMs)).toEqual(['stop', 'start', 'http', 'subscription'])
  const totalMs = millisecondsOf(ready.at) - millisecondsOf(restarting.at)
  const stopMs = ready.stepsMs.stop ?? 0
  await until(isSubscribed)
  process.stderr.write(
    `restart of a ${findAgent(process.env).kind} agent: ${Math.round(totalMs)} ms, of which the stop ${stopMs} ms; ${JSON.stringify(ready.stepsMs)}; ${answered} of ${attempted} messages\n`,
  )
  expect(answered).toBe(attempted)
  await untilToldOnce(answered)
  expect(totalMs - stopMs).toBeLessThan(2000)
})

test('a killed agent is told as away within two seconds, and comes back', async () => {
  const { agent } = cluster.node(1)
  const killed = agent.pid ?? 0
  const killedAt = Date.now()
  process.kill(killed, 'SIGKILL')

  const { restarting, ready } = await lastRestart(2)

  const noticedMs = Math.round(millisecondsOf(restarting.at) - killedAt)
  const backMs = Math.round(millisecondsOf(ready.at) - killedAt)
  process.stderr.write(`kill -9: told after ${noticedMs} ms, ready after ${backMs} ms\n`)
  expect(noticedMs).toBeLessThan(2000)
  expect(agent.pid).not.toBe(killed)
  await until(isSubscribed)
})
