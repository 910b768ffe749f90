import { partitionHealed, partitionSuspected } from '@corroport/contracts'
import { openAdmin } from '@corroport/corrosion-client'
import { startCorrosionAgent, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { developmentAgent } from '../../../infra/setup/find-agent.mjs'
import { startMembershipNode, toldOf } from './membership-node.ts'

const mostMs = 8000
const { path: binary } = developmentAgent

test('gossip of one node is cut while NATS is up: both sides say so, and that it healed', async () => {
  await using nats = await startNatsServer()
  await using agent1 = await startCorrosionAgent({ binary })
  await using agent2 = await startCorrosionAgent({ binary, bootstrap: [agent1.gossipAddr] })
  const natsUrl = nats.url
  await using node1 = await startMembershipNode({ nodeId: 'node1', natsUrl, agent: agent1 })
  await using node2 = await startMembershipNode({ nodeId: 'node2', natsUrl, agent: agent2 })
  await until(() => node1.linkTo('node2') === 'ok' && node2.linkTo('node1') === 'ok')

  const cutAt = performance.now()
  const labs = [agent1, agent2].map(({ adminPath }) => openAdmin(adminPath).lab)
  await Promise.all(labs.map((lab) => lab.setLink(null, { isCut: true })))
  await until(
    () => node1.linkTo('node2') === 'partitioned?' && node2.linkTo('node1') === 'partitioned?',
  )
  const seenMs = performance.now() - cutAt
  console.log(`cut of development agents seen by both after ${Math.round(seenMs)} ms`)
  expect(seenMs).toBeLessThan(mostMs)
  expect(node1.directory.presence('node2')).toBe('present')

  await Promise.all(labs.map((lab) => lab.setLink(null, { isCut: false })))
  await until(() => node1.linkTo('node2') === 'ok' && node2.linkTo('node1') === 'ok')

  const between = ({ nodeId, memberNodeId }: { nodeId: string; memberNodeId: string }) =>
    `${nodeId} ${memberNodeId}`
  const healed = await until(async () => {
    const told = await toldOf(node1.bus, partitionHealed)
    return told.length === 2 && told
  })
  const suspected = await toldOf(node1.bus, partitionSuspected)
  expect(suspected.map(between).toSorted()).toEqual(['node1 node2', 'node2 node1'])
  expect(healed.map(between).toSorted()).toEqual(['node1 node2', 'node2 node1'])
  for (const { silentMs } of suspected) expect(silentMs).toBeGreaterThan(5000)
})
