import { type Bus, connectBus } from '@corroport/bus'
import { memberChanged } from '@corroport/contracts'
import { createTemporaryFolder, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { startMembershipNode, toldOf } from './membership-node.ts'

// What is looked at here needs no agent.
const agent = {
  url: 'http://127.0.0.1:1',
  gossipAddr: '127.0.0.1:1',
  adminPath: '/nowhere/admin.sock',
}

/** How node2 came and went on NATS, as node1 told it. */
async function toldOfNode2(bus: Bus): Promise<string[]> {
  return (await toldOf(bus, memberChanged))
    .filter(({ nodeId, plane }) => nodeId === 'node1' && plane === 'nats')
    .map(({ memberNodeId, from, to }) => `${memberNodeId} from ${from} to ${to}`)
}

test('who is lost is told once, and not because NATS or this node was away', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  const natsUrl = nats.url
  await using observer = connectBus({
    url: natsUrl,
    name: 'observer',
    log: pino({ level: 'silent' }),
  })
  const options = { nodeId: 'node1', natsUrl, agent, folder: folder.path }
  await using node2 = await startMembershipNode({ nodeId: 'node2', natsUrl, agent })
  const first = await startMembershipNode(options)
  await until(() => observer.isConnected)
  await until(async () => (await toldOfNode2(observer)).length === 1)

  await nats.kill()
  await until(() => first.directory.presence('node2') === 'lost')
  await nats.start()
  await until(() => first.directory.presence('node2') === 'present')
  await first.disposeAsync()
  await using second = await startMembershipNode(options)
  await until(() => second.directory.presence('node2') === 'present')
  await node2.disposeAsync()

  await until(async () => (await toldOfNode2(observer)).length === 2)
  expect(await toldOfNode2(observer)).toEqual([
    'node2 from null to present',
    'node2 from present to lost',
  ])
})
