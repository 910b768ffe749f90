// What a cluster tells is stored, whatever ends meanwhile.
import { rmSync } from 'node:fs'
import { type Bus, connectBus } from '@corroport/bus'
import { ledgerQueried, propagationQueried, type SendReply } from '@corroport/contracts'
import { type Cluster, startCluster } from '@corroport/local'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import { createLog } from '@corroport/service'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { postJson } from './http.ts'

const home = createTemporaryFolder()
let cluster: Cluster
let bus: Bus & AsyncDisposable
let sent = 0

async function start(portOffset: number | 'free'): Promise<void> {
  const environment = { ...process.env, DATABASE_URL: undefined }
  const where = { home: home.path, portOffset, environment }
  cluster = await startCluster({ ...where, nodes: 2, analytics: true })
  await cluster.ready()
}

beforeAll(async () => {
  await start('free')
  const log = createLog({ level: 'fatal' })
  const none = { user: undefined, password: undefined }
  bus = connectBus({ url: cluster.shape.natsUrl, ...none, name: 'test', log })
}, 60_000)

afterAll(async () => {
  await bus[Symbol.asyncDispose]()
  await cluster.kill()
  rmSync(cluster.layout.postgresFolder, { recursive: true, force: true })
  home[Symbol.dispose]()
})

async function send(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await postJson<SendReply>(`${cluster.node(1).apiUrl}/api/messages/send`, { content: 'hello' })
    sent += 1
  }
}

/** Sent, accepted, received, acknowledged on both sides, by whatever was stored of it. */
async function untilStored(): Promise<void> {
  await until(async () => {
    if (!bus.isConnected) return false
    const { is_balanced, streams } = await bus.request(ledgerQueried, {}, {})
    const records = streams.find(({ stream }) => stream === 'RECORDS')
    if (!is_balanced || !records || records.missing.length > 0) return false
    return records.stored >= 5 * sent && streams.every(({ waiting }) => waiting === 0)
  }, 60_000)
}

test('what is sent while Postgres is away is stored when it is back', async () => {
  const postgres = cluster.part('postgres')
  await send(5)
  await untilStored()

  await postgres.kill()
  await send(20)
  postgres.start()

  await cluster.ready()
  await untilStored()
  const { propagation } = await bus.request(propagationQueried, {}, { sinceHours: 1 })
  const seen = propagation
    .filter(({ table, node_id }) => table === 'node_messages' && node_id === 'node2')
    .reduce((sum, { n, without_clock }) => sum + n + without_clock, 0)
  expect(seen).toBe(25)
}, 120_000)

test('Postgres and analytics come back by themselves', async () => {
  const parts = [cluster.part('postgres'), cluster.part('analytics')]
  const pids = parts.map(({ pid }) => pid)

  for (const pid of pids) process.kill(Number(pid), 'SIGKILL')
  await send(5)

  await until(() => parts.every(({ pid }, index) => pid !== undefined && pid !== pids[index]))
  await cluster.ready()
  await untilStored()
}, 120_000)

test('a cluster that was killed as a whole, or stopped, goes on with what it had', async () => {
  await cluster.kill()
  await start(cluster.shape.portOffset)
  await send(5)
  await untilStored()

  const pid = Number(cluster.part('postgres').pid)
  await cluster.stop()
  expect(findProcess(pid)).toBeUndefined()
  await start(cluster.shape.portOffset)
  await send(5)
  await untilStored()
}, 180_000)
