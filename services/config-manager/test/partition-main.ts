import { partitionHealed, partitionSuspected } from '@corroport/contracts'
import {
  cutDatagramsOf,
  prepareOwnNetwork,
  startNatsServer,
  startRealAgent,
  until,
} from '@corroport/testing'
import { startMembershipNode, toldOf } from './membership-node.ts'

// Runs in a network namespace of its own, since it bends how datagrams are routed.

prepareOwnNetwork()

await using nats = await startNatsServer()
const natsUrl = nats.url
await using agent1 = await startRealAgent()
await using agent2 = await startRealAgent({ bootstrap: [agent1.gossipAddr] })
await using agent3 = await startRealAgent({ bootstrap: [agent1.gossipAddr] })
await using node1 = await startMembershipNode({ nodeId: 'node1', natsUrl, agent: agent1 })
await using node2 = await startMembershipNode({ nodeId: 'node2', natsUrl, agent: agent2 })
await using node3 = await startMembershipNode({ nodeId: 'node3', natsUrl, agent: agent3 })
const links = () => [
  node1.linkTo('node3'),
  node2.linkTo('node3'),
  node3.linkTo('node1'),
  node3.linkTo('node2'),
]
await until(() => links().every((link) => link === 'ok') && node1.linkTo('node2') === 'ok')

const cutAt = performance.now()
const cut = cutDatagramsOf(agent3.pid)
await until(() => links().every((link) => link === 'partitioned?'))
const seenMs = performance.now() - cutAt
const node1ToNode2 = node1.linkTo('node2')

const healedAt = performance.now()
cut[Symbol.dispose]()
await until(() => links().every((link) => link === 'ok'))
const healMs = performance.now() - healedAt
const healed = await until(async () => {
  const { length } = await toldOf(node1.bus, partitionHealed)
  return length >= 4 && length
})
const suspected = (await toldOf(node1.bus, partitionSuspected)).length

process.stdout.write(JSON.stringify({ seenMs, node1ToNode2, healMs, suspected, healed }))
