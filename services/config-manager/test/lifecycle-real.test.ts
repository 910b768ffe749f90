import { findCorrosion, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { join, leave, sees, statesOn } from './lifecycle-commands.ts'
import { type LifecycleNodeOptions, startLifecycleNode } from './lifecycle-node.ts'

// A real agent takes 5 s to stop, and four times one does.
const timeoutMs = 90_000

test(
  'a real agent joins by a seed, leaves with what it wrote on the other, and joins again',
  async () => {
    await using nats = await startNatsServer()
    await using node1 = await startRealAgent({ nats, nodeId: 'node1' })
    await node1.becomes('active')
    await using node2 = await startRealAgent({ nats, nodeId: 'node2' })

    const joined = await join(node2, [node1.gossip])
    expect(joined).toMatchObject({ state: 'succeeded', reason: null })
    await node2.client.transact([
      "INSERT INTO node_messages (pk, node_id) VALUES ('node2_1', 'node2')",
    ])
    await sees(node2, 'node1', 'active')
    const left = await leave(node2)

    expect(left).toMatchObject({ state: 'succeeded', reason: null })
    expect((await node1.client.query('SELECT pk FROM node_messages')).rows).toEqual([['node2_1']])
    expect(await statesOn(node1)).toBe('node1 active, node2 left')
    expect(await join(node2, [node1.gossip])).toMatchObject({ state: 'succeeded', reason: null })
    await until(async () => (await statesOn(node1)) === 'node1 active, node2 active')
  },
  timeoutMs,
)

function startRealAgent(options: Omit<LifecycleNodeOptions, 'program'>) {
  const program = findCorrosion()
  if (program === undefined) throw new Error('there is no real agent on this machine')
  return startLifecycleNode({ ...options, program })
}
