import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { until } from '@corroport/testing'
import { describe, expect, test } from '@jest/globals'
import { startNode, type TestNode } from './gossip-node.ts'

const everyRow = 'SELECT * FROM item ORDER BY id'

async function sameRows(nodes: readonly TestNode[], count: number): Promise<void> {
  await until(() => nodes.every((node) => node.ids().length === count))
  const [first, ...others] = nodes.map((node) => node.select(everyRow))
  for (const rows of others) expect(rows).toEqual(first)
}

function present(node: TestNode): string[] {
  return node.gossip
    .members()
    .map(({ state }) => state.addr)
    .toSorted()
}

function stateOf(node: TestNode, other: TestNode): string | undefined {
  return node.gossip.membershipStates().find(({ id }) => id.addr === other.address)?.state
}

async function met(...nodes: readonly TestNode[]): Promise<void> {
  await until(() =>
    nodes.every((node) => {
      const members = node.gossip.members()
      return members.length === nodes.length - 1 && members.every(({ rtts }) => rtts !== null)
    }),
  )
}

describe('two nodes', () => {
  test('a row with every type of value comes over as it was', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await met(a, b)

    a.insert(-9223372036854775808n, {
      text: 'ÿ\u{1F600}\0',
      bytes: new Uint8Array([0, 255, 1]),
      real: 5e-324,
      number: 9007199254740993n,
    })
    b.insert(2, { real: -1.5, number: -1n })

    await until(() => a.ids().length === 2 && b.ids().length === 2)
    expect(b.select(everyRow)).toEqual(a.select(everyRow))
    expect(b.select(everyRow)[1]).toEqual([2n, 'row 2', null, -1.5, -1n])
  })

  test('a near node has it at once, without waiting for a batch', async () => {
    const timings = { pushEveryMs: 60_000, syncMinMs: 60_000 }
    await using a = await startNode({ timings })
    await using b = await startNode({ bootstrap: [a.address], timings })
    await until(() => a.gossip.members()[0]?.state.ring === 0)

    a.insert(1)

    await until(() => b.ids().length === 1)
    expect(b.gossip.p99LagSeconds()).toBeLessThan(5)
  })

  test('a transaction of 2,000 rows arrives whole or not at all', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await met(a, b)
    const seen = new Set<number>()
    b.store.onCommit(() => seen.add(b.ids().length))

    a.store.transact(
      Array.from({ length: 2_000 }, (_, id) => ({
        sql: 'INSERT INTO item (id, text) VALUES (?, ?)',
        params: [BigInt(id), 'x'.repeat(100)],
      })),
    )

    await sameRows([a, b], 2_000)
    expect([...seen]).toEqual([2_000])
  })

  test('a node that was away for 1,000 versions catches up', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await met(a, b)
    b.bend(null, { isCut: true })
    a.bend(null, { isCut: true })
    for (let id = 0; id < 1_000; id++) a.insert(id)
    b.insert(1_000)
    await until(() => stateOf(a, b) === 'Suspect' && stateOf(b, a) === 'Suspect')

    b.bend(null, { isCut: false })
    a.bend(null, { isCut: false })

    await sameRows([a, b], 1_001)
    await until(() => {
      const { heads, need, partial_need: partial } = b.gossip.syncState()
      return (
        isDeepStrictEqual(heads, a.gossip.syncState().heads) &&
        Object.keys({ ...need, ...partial }).length === 0
      )
    })
    await until(() => b.gossip.members()[0]?.state.last_sync_ts)
  })

  test('with 30 % loss everything arrives', async () => {
    await using a = await startNode({ everyLink: { loss: 0.3 } })
    await using b = await startNode({ bootstrap: [a.address], everyLink: { loss: 0.3 } })
    await until(() => a.gossip.members().length === 1 && b.gossip.members().length === 1)

    for (let id = 0; id < 100; id++) {
      a.insert(id)
      b.insert(id + 100)
      // Each is a push of its own, which may be lost.
      await nextTurn()
    }

    await sameRows([a, b], 200)
  })

  test('a delay of 50 ms each way shows as a round trip of 100 ms', async () => {
    await using a = await startNode({ everyLink: { delayMs: 50 } })
    await using b = await startNode({ bootstrap: [a.address], everyLink: { delayMs: 50 } })
    await met(a, b)
    await until(() => (b.gossip.members()[0]?.rtts?.length ?? 0) >= 3)
    const [member] = b.gossip.members()

    expect(Math.min(...(member?.rtts ?? []))).toBeGreaterThanOrEqual(100)
    // A mean from 100 to 200 ms: a busy machine adds to some of them.
    expect(member?.state.ring).toBe(4)
  })

  test('a change far ahead in time is applied, and the log says so', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await met(a, b)
    a.gossip.setLab({ clockOffsetMs: 5_000 })

    a.insert(1)

    await until(() => b.ids().length === 1)
    await until(() => b.lines.some((line) => line.includes('could not update clock from actor')))
    expect(b.gossip.p99LagSeconds()).toBeUndefined()
  })
})

describe('three nodes', () => {
  test('all who know one seed meet, and have what any of them writes', async () => {
    await using seed = await startNode()
    await using b = await startNode({ bootstrap: [seed.address] })
    await using c = await startNode({ bootstrap: [seed.address] })
    await met(seed, b, c)
    expect(present(b)).toEqual([seed.address, c.address].toSorted())

    for (const [index, node] of [seed, b, c].entries()) {
      for (let id = 0; id < 50; id++) node.insert(index * 100 + id)
    }

    await sameRows([seed, b, c], 150)
  })

  test('what only the middle one can pass on reaches the far one', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await using c = await startNode({ bootstrap: [a.address] })
    await met(a, b, c)
    a.bend(c.address, { isCut: true })
    c.bend(a.address, { isCut: true })

    a.insert(1)
    c.insert(2)

    await sameRows([a, b, c], 2)
    // The others vouch for it.
    expect(stateOf(a, c)).not.toBe('Down')
  })

  test('a partition separates, and its end joins again', async () => {
    await using a = await startNode()
    await using b = await startNode({ bootstrap: [a.address] })
    await using c = await startNode({ bootstrap: [a.address] })
    await met(a, b, c)
    c.bend(null, { isCut: true })
    a.bend(c.address, { isCut: true })
    b.bend(c.address, { isCut: true })
    await until(() => stateOf(a, c) === 'Down' && stateOf(c, a) === 'Down')
    a.insert(1)
    c.insert(2)
    await until(() => b.ids().length === 1)
    expect(c.ids()).toEqual([2])

    for (const node of [a, b, c]) node.gossip.setLab('reset')

    await met(a, b, c)
    await sameRows([a, b, c], 2)
  })

  test('a node that is killed is suspected, then down; one that leaves is down at once', async () => {
    await using a = await startNode({ timings: { suspicionMs: 60_000 } })
    await using b = await startNode({ bootstrap: [a.address] })
    await using c = await startNode({ bootstrap: [a.address] })
    await met(a, b, c)

    await b.stop('leave')

    await until(() => present(a).join() === c.address)
    expect(stateOf(a, b)).toBe('Down')
    await c.stop()
    await until(() => stateOf(a, c) === 'Suspect')
  })
})

test('a node whose database is held by another program catches up when it is let go', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address] })
  await met(a, b)
  using holder = new DatabaseSync(b.store.path)
  holder.exec('BEGIN IMMEDIATE')
  a.insert(1)
  await until(() => b.lines.some((line) => line.includes('a round of anti-entropy failed')))

  holder.exec('ROLLBACK')

  await until(() => b.ids().length === 1)
})

test('one way cut: the other way goes on', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address] })
  await met(a, b)
  a.bend(b.address, { isCut: true })

  a.insert(1)
  b.insert(2)

  await until(() => a.ids().length === 2)
  expect(b.ids()).toEqual([2])
})

test('a node that returns under the same actor id is met again, and remembers whom it knew', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address] })
  await met(a, b)
  const remembered = await until(() => b.store.rememberedMembers()[0])
  expect(JSON.parse(remembered.focaState)).toMatchObject({
    id: { addr: a.address, cluster_id: 0, member_id: null },
    incarnation: 0,
    state: 'Alive',
  })
  const { path } = b.store
  await b.stop()
  await until(() => stateOf(a, b) !== 'Alive')
  a.insert(1)

  await using returned = await startNode({ path })

  await until(() => returned.ids().length === 1)
  await until(() => stateOf(a, returned) === 'Alive')
})
