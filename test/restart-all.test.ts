// Everything is stopped and started again, then all agents are killed at once.
import type { ConvergenceReply, MembersReply, MessageDetail, SendReply } from '@corroport/contracts'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { getJson, postJson } from './http.ts'

const home = createTemporaryFolder()
let cluster: Cluster

async function start(portOffset: number | 'free'): Promise<Cluster> {
  const started = await startCluster({ home: home.path, portOffset, environment: process.env })
  cluster = started
  await started.ready()
  return started
}

beforeAll(async () => {
  await start('free')
}, 60_000)

afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

async function get<T>(node: number, path: string): Promise<T> {
  return await getJson<T>(`${cluster.node(node).apiUrl}${path}`)
}

/** Sends a message and waits until both others have acknowledged it. */
async function sendAndAwait(node: number, content: string): Promise<string> {
  const url = `${cluster.node(node).apiUrl}/api/messages/send`
  const { message } = await postJson<SendReply>(url, { content })
  await until(async () => (await detail(node, message.pk)).acks.length === 2)
  return message.pk
}

const detail = (node: number, pk: string) =>
  get<MessageDetail>(node, `/api/messages/${encodeURIComponent(pk)}`)

async function untilWhole(): Promise<void> {
  await until(async () => {
    const { members, disagreements } = await get<MembersReply>(2, '/api/cluster/members')
    return (
      disagreements.length === 0 &&
      members.length === 3 &&
      members.every(
        ({ state, nats, agent }) =>
          state === 'active' && nats.presence === 'present' && agent.state === 'ready',
      )
    )
  }, 60_000)
  await until(async () => (await get<ConvergenceReply>(3, '/api/cluster/convergence')).is_converged)
}

test('a cluster that was stopped as a whole goes on where it was', async () => {
  await untilWhole()
  const before = await Promise.all([1, 2, 3].map((node) => sendAndAwait(node, 'before')))

  await cluster.stop()
  await start(cluster.shape.portOffset)

  await untilWhole()
  for (const [index, pk] of before.entries()) {
    const { status, acks, missing } = await detail(index + 1, pk)
    expect([status, acks.length, missing]).toEqual(['accepted', 2, []])
  }
  await sendAndAwait(2, 'after')
  await untilWhole()
}, 180_000)

test('agents that are all killed at once come back by themselves', async () => {
  const agents = cluster.nodes.map(({ agent }) => agent)
  const pids = agents.map(({ pid }) => pid)

  for (const pid of pids) process.kill(Number(pid), 'SIGKILL')

  await until(() => agents.every(({ pid }, index) => pid !== undefined && pid !== pids[index]))
  await cluster.ready()
  await untilWhole()
  await sendAndAwait(1, 'after the kill')
  await untilWhole()
}, 120_000)
