import { type Bus, RefusalError } from '@corroport/bus'
import {
  ConvergenceReply,
  createParser,
  type NodeAnnounced,
  nodeAnnounced,
  nowMicroseconds,
  rowsDigested,
  type TableDigest,
  toTimestamp,
} from '@corroport/contracts'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { announcementOf, neighboursOfFile, newPeer, startNode } from './harness.ts'

const near = neighboursOfFile()

const path = '/api/cluster/convergence'
const parse = createParser('convergence', ConvergenceReply)
const peers = ['node1', 'node2', 'node3'].map(newPeer)

/** node1 of three declared ones, asked while these nodes announce themselves in these states. */
async function startAsked(states: Record<string, NodeAnnounced['state']>) {
  await using starting = new AsyncDisposableStack()
  const node = starting.use(await startNode(near.configOf()))
  const announce = () => {
    for (const peer of peers) {
      const { nodeId } = peer
      const state = states[nodeId]
      if (state) node.bus.hint(nodeAnnounced, { nodeId }, { ...announcementOf(peer), state })
    }
  }
  const announcing = setInterval(announce, 200)
  starting.defer(() => clearInterval(announcing))
  await until(async () => {
    const { body } = await node.api.get('/api/nodes')
    const present = JSON.stringify(body).match(/"presence":"present"/g) ?? []
    return present.length === Object.keys(states).length
  })
  const { bus, api } = node
  return Object.assign(starting.move(), {
    bus,
    api,
    get: async (search = '') => parse((await api.get(`${path}${search}`)).body),
  })
}

const digest = (letter: string) => letter.repeat(64)
const table = (name: string, letter: string, rows = 2): TableDigest => ({
  table: name,
  rows,
  digest: digest(letter),
})

/** A config-manager, as far as a comparison can see it. */
function answerAs(bus: Bus, nodeId: string, held: TableDigest[]): AsyncDisposable {
  return bus.respond(rowsDigested, { nodeId }, ({ tables }) => ({
    tables: tables
      ? tables.map(
          (name) =>
            held.find((one) => one.table === name) ?? { table: name, rows: 0, digest: null },
        )
      : held,
    takenAt: toTimestamp(nowMicroseconds()),
  }))
}

test('nodes with the same rows are converged, whatever their canaries; who has left is not asked', async () => {
  await using asked = await startAsked({ node1: 'active', node2: 'active', node3: 'left' })
  await using _one = answerAs(asked.bus, 'node1', [table('a', 'a'), table('node_canaries', 'c')])
  await using _two = answerAs(asked.bus, 'node2', [table('a', 'a'), table('node_canaries', 'd')])

  const all = await asked.get()
  const some = await asked.get('?tables=a,node_canaries')

  expect(all).toMatchObject({
    is_converged: true,
    tables: [{ table: 'a', is_equal: true, rows: 2 }],
    answered: [{ node_id: 'node1' }, { node_id: 'node2' }],
    unanswered: [],
    left_out: ['node_canaries'],
    node_id: 'node1',
  })
  expect(some).toMatchObject({ is_converged: false, left_out: [] })
  expect(some.tables.map(({ table: name, is_equal }) => [name, is_equal])).toEqual([
    ['a', true],
    ['node_canaries', false],
  ])
})

test('what differs is shown by groups, and who is away or refuses is named', async () => {
  await using asked = await startAsked({ node1: 'active', node2: 'active' })
  await using _one = answerAs(asked.bus, 'node1', [table('a', 'a')])
  const two = answerAs(asked.bus, 'node2', [table('a', 'b', 3)])

  const differing = await asked.get()
  await two[Symbol.asyncDispose]()
  const silent = await asked.get()
  await using _two = asked.bus.respond(rowsDigested, { nodeId: 'node2' }, () => {
    throw new RefusalError('unavailable', 'no rows today')
  })
  const refused = await asked.get()

  expect(differing.is_converged).toBe(false)
  expect(differing.tables).toEqual([
    {
      table: 'a',
      is_equal: false,
      rows: null,
      groups: [
        { digest: digest('a'), rows: 2, node_ids: ['node1'] },
        { digest: digest('b'), rows: 3, node_ids: ['node2'] },
      ],
    },
  ])
  expect(differing.unanswered).toEqual([{ node_id: 'node3', reason: 'not heard on NATS' }])
  expect(silent.unanswered).toContainEqual({
    node_id: 'node2',
    reason: 'its config-manager does not answer',
  })
  expect(refused).toMatchObject({ is_converged: false, tables: [{ table: 'a', is_equal: true }] })
  expect(refused.unanswered).toContainEqual({ node_id: 'node2', reason: 'no rows today' })
})

test('a table that nobody has, and a list that is none, are refused', async () => {
  await using asked = await startAsked({ node1: 'active', node2: 'active', node3: 'left' })
  await using _one = answerAs(asked.bus, 'node1', [])
  await using _two = answerAs(asked.bus, 'node2', [])

  const nowhere = await asked.api.get(`${path}?tables=nowhere`)
  const empty = await asked.api.get(`${path}?tables=a,,b`)

  expect(nowhere).toMatchObject({
    status: 404,
    body: { detail: 'no node replicates a table nowhere' },
  })
  expect(empty.status).toBe(400)
})
