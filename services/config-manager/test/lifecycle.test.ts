import { readFileSync } from 'node:fs'
import { joinRequested } from '@corroport/contracts'
import { freePort, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { by, join, refused, statesOn, stepsOf, waitsFor } from './lifecycle-commands.ts'
import { startLifecycleNode } from './lifecycle-node.ts'

test('three nodes form a cluster from one seed, and a dead one before it is no obstacle', async () => {
  await using nats = await startNatsServer()
  await using node1 = await startLifecycleNode({ nats, nodeId: 'node1' })
  await node1.becomes('active')
  await using node2 = await startLifecycleNode({ nats, nodeId: 'node2' })
  await using node3 = await startLifecycleNode({ nats, nodeId: 'node3' })

  const dead = `127.0.0.1:${await freePort()}`

  const ended = [await join(node2, [node1.gossip]), await join(node3, [dead, node1.gossip])]

  expect(ended.map(({ state, reason }) => [state, reason])).toEqual([
    ['succeeded', null],
    ['succeeded', null],
  ])
  expect(stepsOf(ended[0])).toEqual([
    'preconditions done',
    'write done',
    'stop done',
    'start done',
    'http done',
    'subscription done',
    'seen-by-others done',
    'sees-others done',
    'caught-up done',
    'nats done',
    'active done',
  ])
  expect(ended[1]?.steps[0]?.detail).toContain(`${dead} is announced by nobody`)
  expect([node1.state, node2.state, node3.state]).toEqual(['active', 'active', 'active'])
  await until(async () => (await statesOn(node3)) === 'node1 active, node2 active, node3 active')

  const again = await join(node2, [node1.gossip])
  expect(again.steps.slice(1).every(({ state }) => state === 'skipped')).toBe(true)
  // The first of a cluster waits five seconds for others to be heard.
  expect(node1.joins[0]).toBeGreaterThanOrEqual(5)
  expect([node1, node2, node3].map(({ joins }) => joins.length)).toEqual([1, 1, 1])
})

test('the order in which nodes start does not matter', async () => {
  await using nats = await startNatsServer()
  const gossipPort = await freePort()
  const settings = {
    nats,
    bootstrap: [`127.0.0.1:${gossipPort}`],
    declared: ['node1', 'node2', 'node3'],
  }
  await using node3 = await startLifecycleNode({ ...settings, nodeId: 'node3' })
  await until(() => waitsFor(node3)?.includes('another node'))

  await using node2 = await startLifecycleNode({ ...settings, nodeId: 'node2' })
  await using node1 = await startLifecycleNode({
    ...settings,
    nodeId: 'node1',
    bootstrap: [],
    gossipPort,
  })

  await Promise.all([node1, node2, node3].map((node) => node.becomes('active')))
  expect(waitsFor(node3)).toBe('active')
})

test('a node with another schema is refused, and nothing is changed', async () => {
  await using nats = await startNatsServer()
  await using node1 = await startLifecycleNode({ nats, nodeId: 'node1' })
  await using node2 = await startLifecycleNode({
    nats,
    nodeId: 'node2',
    extraSchema: "CREATE TABLE more (id TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL DEFAULT '');",
  })
  await until(() => node2.services.directory.presence('node1') === 'present')
  const before = readFileSync(node2.configPath, 'utf8')
  const { pid } = node2.services.control

  const refusal = await refused(
    node2.services.bus.request(
      joinRequested,
      { nodeId: 'node2' },
      { by, seeds: ['fd00::1:8787', node1.gossip], timeoutMs: 5000 },
    ),
  )

  expect(refusal.code).toBe('invalid')
  expect(refusal.problems).toEqual([
    expect.stringContaining('fd00::1:8787'),
    'the table more is missing on node1',
  ])
  expect(readFileSync(node2.configPath, 'utf8')).toBe(before)
  expect(node2.services.control.pid).toBe(pid)
  expect(node2.services.operations.latest(1)).toEqual([])
})

test('a join that nobody confirms puts everything back', async () => {
  await using nats = await startNatsServer()
  await using node1 = await startLifecycleNode({ nats, nodeId: 'node1' })
  await node1.becomes('active')
  const before = readFileSync(node1.configPath, 'utf8')

  const ended = await join(node1, [`127.0.0.1:${await freePort()}`], 4000)

  expect(ended).toMatchObject({
    state: 'failed',
    reason: 'gave up waiting for another node that is present, with an agent that answers',
  })
  expect(readFileSync(node1.configPath, 'utf8')).toBe(before)
  expect(node1.state).toBe('active')
  await until(async () => (await statesOn(node1)) === 'node1 active')
})

test('a second node of one id, in another NATS, does not write the row', async () => {
  await using nats = await startNatsServer()
  await using otherNats = await startNatsServer()
  await using first = await startLifecycleNode({ nats, nodeId: 'node1' })
  await first.becomes('active')

  await using second = await startLifecycleNode({
    nats: otherNats,
    nodeId: 'node1',
    bootstrap: [first.gossip],
  })

  await until(() => waitsFor(second)?.includes('node1 is in use'))
  const { checks } = second.services.health.ready()
  expect(checks.find(({ name }) => name === 'node id')).toMatchObject({ ok: false })
  const { rows } = await second.client.query('SELECT corrosion_actor_id FROM node_configs')
  expect(rows).toEqual([[await first.client.actorId()]])
})
