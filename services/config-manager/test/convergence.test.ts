import { connectBus } from '@corroport/bus'
import { rowsDigested } from '@corroport/contracts'
import { type CorrosionClient, createCorrosionClient } from '@corroport/corrosion-client'
import { startCorrosionAgent, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { answerDigests } from '../src/convergence/digests.ts'
import { digestTables } from '../src/convergence/table-digest.ts'

const log = pino({ level: 'silent' })

// BLOB keeps whatever type a value has.
const cells = 'CREATE TABLE cells (id INTEGER NOT NULL PRIMARY KEY, value BLOB)'

/** An agent with a table of its own, which no other one hears of. */
async function startAgent(...schemas: string[]) {
  await using starting = new AsyncDisposableStack()
  const agent = starting.use(await startCorrosionAgent({ schemas }))
  const client = starting.use(createCorrosionClient({ url: agent.url }))
  return Object.assign(starting.move(), { agent, client })
}

async function digestOf(client: CorrosionClient, table = 'cells'): Promise<string | null> {
  const [found] = await digestTables(client, [table], () => ({ timeoutMs: 10_000 }))
  return found?.digest ?? null
}

test('values that differ in type or in the last bit have different digests', async () => {
  await using node = await startAgent(cells)
  const values = [
    "NULL, '', x'', 'n', 0, 1, 1.0, '1', '1.0', x'31', 1.5, 'r1.5'",
    '9007199254740992, 9007199254740993, 9007199254740992.0, -9223372036854775808',
    '0.1, 0.10000000000000002, 9e999, -9e999, 1e300, 1e-300',
    "'a', 'A', 'é', 'a' || char(10) || 'b', 'a' || char(0) || 'b'",
  ].flatMap((line) => line.split(', '))

  const digests = new Map<string | null, string>()
  for (const value of values) {
    await node.client.transact([
      'DELETE FROM cells',
      `INSERT INTO cells (id, value) VALUES (1, ${value})`,
    ])
    const digest = await digestOf(node.client)
    expect([value, digests.get(digest)]).toEqual([value, undefined])
    digests.set(digest, value)
  }
})

test('cells do not run into each other', async () => {
  const pair = "CREATE TABLE pair (id INTEGER NOT NULL PRIMARY KEY, a TEXT, b TEXT DEFAULT '')"
  await using node = await startAgent(pair)
  const digests = new Set<string | null>()

  for (const [a, b] of [
    ['x', 'yz'],
    ['xy', 'z'],
    ['x,ty', 'z'],
  ] as const) {
    await node.client.transact([
      'DELETE FROM pair',
      ['INSERT INTO pair (id, a, b) VALUES (1, ?, ?)', [a, b]],
    ])
    digests.add(await digestOf(node.client, 'pair'))
  }

  expect(digests.size).toBe(3)
})

test('neither the order of writing nor that of columns matters, nor rows that are gone', async () => {
  const columns = ['k TEXT NOT NULL', 'a INTEGER NOT NULL DEFAULT 0', 'b TEXT']
  const table = (names: string[]) => `CREATE TABLE t (${names.join(', ')}, PRIMARY KEY (k, a))`
  await using node1 = await startAgent(table(columns))
  await using node2 = await startAgent(table(columns.toReversed()))
  const insert = (k: string, a: number) => `INSERT INTO t (k, a, b) VALUES ('${k}', ${a}, 'é')`
  await node1.client.transact([insert('x', 10), insert('x', 9), insert('y', 1)])
  await node2.client.transact([insert('y', 1), insert('z', 1), insert('x', 10), insert('x', 9)])

  expect(await digestOf(node1.client, 't')).not.toBe(await digestOf(node2.client, 't'))
  await node2.client.transact(["DELETE FROM t WHERE k = 'z'"])
  expect(await digestOf(node1.client, 't')).toBe(await digestOf(node2.client, 't'))
  await node1.client.transact(["UPDATE t SET b = NULL WHERE k = 'y'"])
  expect(await digestOf(node1.client, 't')).not.toBe(await digestOf(node2.client, 't'))
})

test('all replicated tables are told, or those that are asked for, be they there or not', async () => {
  await using nats = await startNatsServer()
  await using node = await startAgent(cells)
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using _digests = answerDigests({ nodeId: 'node1', bus, agent: node.client })
  const ask = (request: { tables?: string[] }) =>
    bus.request(rowsDigested, { nodeId: 'node1' }, request)
  await until(() => bus.isConnected)
  const rows = Array.from({ length: 500 }, (_, id) => `(${id}, 'row ${id}')`)
  await node.client.transact([`INSERT INTO cells (id, value) VALUES ${rows.join(', ')}`])

  const all = await until(() => ask({}).catch(() => undefined))
  const some = await ask({ tables: ['nowhere', 'cells'] })

  expect(all.tables.map(({ table }) => table)).toEqual([
    'backends',
    'cells',
    'node_canaries',
    'node_configs',
    'node_messages',
  ])
  expect(some.tables).toEqual([all.tables[1], { table: 'nowhere', rows: 0, digest: null }])
  expect(some.tables[0]?.rows).toBe(500)

  await node.agent.kill('SIGKILL')
  await expect(ask({})).rejects.toThrow("the agent's rows were not read")
})
