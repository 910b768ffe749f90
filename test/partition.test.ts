// Two nodes on one side, one on the other: both are written to, and nothing is missing afterwards.
import { connectBus } from '@corroport/bus'
import type { ConvergenceReply, LinkState, MembersReply } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, type Direction, openLab, startCluster } from '@corroport/local'
import {
  countRecords,
  createTemporaryFolder,
  findMiscounts,
  sendSteadily,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pino from 'pino'
import { getJson } from './http.ts'

const log = pino({ level: 'silent' })
const nodeIds = ['node1', 'node2', 'node3']
const home = createTemporaryFolder()
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({
    home: home.path,
    portOffset: 'free',
    agents: 'development',
    environment: process.env,
  })
  await cluster.ready()
}, 60_000)

afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

const convergence = (node: number, query = ''): Promise<ConvergenceReply> =>
  getJson(`${cluster.node(node).apiUrl}/api/cluster/convergence${query}`)

/** What a node thinks of its links to the others, `node2 ok`. */
async function linksOf(node: number): Promise<string[]> {
  const { members } = await getJson<MembersReply>(
    `${cluster.node(node).apiUrl}/api/cluster/members`,
  )
  return members.flatMap(({ node_id, is_local, link }) =>
    is_local || !nodeIds.includes(String(node_id)) ? [] : `${node_id} ${link.state}`,
  )
}

async function untilLinks(toNode3: LinkState): Promise<void> {
  const wanted = [
    ['node2 ok', `node3 ${toNode3}`],
    ['node1 ok', `node3 ${toNode3}`],
    [`node1 ${toNode3}`, `node2 ${toNode3}`],
  ]
  await until(async () => {
    const links = await Promise.all([1, 2, 3].map(linksOf))
    return JSON.stringify(links) === JSON.stringify(wanted)
  })
}

/** The same row is written on both sides, with another region on each. */
async function writeGuest(node: number, region: string): Promise<void> {
  await using client = createCorrosionClient({ url: cluster.node(node).agentUrl })
  const sql = `INSERT INTO node_configs (node_id, region) VALUES (?1, ?2)
    ON CONFLICT (node_id) DO UPDATE SET region = excluded.region`
  await client.transact([
    [sql, ['guest', region]],
    [sql, [`guest-of-node${node}`, region]],
  ])
}

async function select(sql: string) {
  await using client = createCorrosionClient({ url: cluster.node(1).agentUrl })
  return (await client.query(sql)).rows.map((row) => row.map(String))
}

test('both sides of a partition are written to, and hold the same when it has healed', async () => {
  const lab = openLab(home.path)
  const cut: Direction[] = [
    [1, 3],
    [2, 3],
    [3, 1],
    [3, 2],
  ]
  await untilLinks('ok')
  await until(async () => (await convergence(2)).is_converged)

  await lab.bend(cut, { isCut: true })
  await untilLinks('partitioned?')
  const [load] = await Promise.all([
    sendSteadily({
      urls: [1, 3].map((node) => cluster.node(node).apiUrl),
      ratePerSecond: 20,
      durationMs: 3000,
    }),
    writeGuest(1, 'iad'),
    writeGuest(3, 'syd'),
  ])
  expect(load.answered).toBe(60)

  // Each side agrees within itself.
  const parted = await until(async () => {
    const reply = await convergence(1, '?tables=node_configs,node_messages')
    return reply.tables.every(({ groups }) => groups.length === 2) && reply
  })
  expect(parted).toMatchObject({ is_converged: false, unanswered: [] })
  expect(parted.tables.map(({ table, groups }) => [table, groups.map((group) => group.node_ids)]))
    // Who is alone comes last.
    .toEqual(
      ['node_configs', 'node_messages'].map((table) => [table, [['node1', 'node2'], ['node3']]]),
    )
  expect(parted.tables[1]?.groups.map(({ rows }) => rows)).toEqual([30, 30])

  await lab.bend(cut, { isCut: false })
  await untilLinks('ok')
  // What was missed comes with a sync, and agents that found nothing new wait up to 15 s for the next.
  await until(async () => (await convergence(3)).is_converged, 60_000)

  const messages = await select('SELECT pk, node_id FROM node_messages')
  expect(messages).toHaveLength(60)
  const guests = await select("SELECT region FROM node_configs WHERE node_id LIKE 'guest%'")
  expect(guests).toHaveLength(3)
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  const sent = messages.map(([messageId = '', originNodeId = '']) => ({ messageId, originNodeId }))
  await until(async () => findMiscounts(await countRecords(bus), sent, nodeIds).length === 0)
}, 120_000)
