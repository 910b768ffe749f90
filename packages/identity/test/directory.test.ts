import { join } from 'node:path'
import { type Bus, connectBus } from '@corroport/bus'
import { type NodeAnnounced, nodeAnnounced } from '@corroport/contracts'
import { isSignedBy, openDirectory, openNodeKey } from '@corroport/identity'
import { createTemporaryFolder, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'

const log = pino({ level: 'silent' })

const announcement = (change: Partial<NodeAnnounced> = {}): NodeAnnounced => ({
  nodeId: 'node2',
  instanceId: 'i2',
  region: 'iad',
  publicKey: 'A'.repeat(43),
  endpoints: { api: '127.0.0.1:4002', peer: '127.0.0.1:5002', gossip: null },
  state: 'active',
  stateAt: '2026-01-15T10:00:00Z',
  version: '0.1.0',
  agent: { state: 'ready', stateSince: '2026-01-15T10:00:00Z', actorId: null, url: 'http://x' },
  startedAt: '2026-01-15T10:00:00Z',
  announcedAt: '2026-01-15T10:00:00Z',
  ...change,
})

const announce = (bus: Bus, change: Partial<NodeAnnounced> = {}): boolean => {
  const payload = announcement(change)
  return bus.hint(nodeAnnounced, { nodeId: payload.nodeId }, payload)
}

test('a node is present when it was heard, and unheard when it never was', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using directory = openDirectory({ bus, log, path: join(folder.path, 'nodes.json') })

  await until(() => announce(bus) && directory.get('node2'))

  expect(directory.presence('node2')).toBe('present')
  expect(directory.presence('node3')).toBe('unheard')
  expect(directory.nodes().map(({ announcement: { nodeId } }) => nodeId)).toEqual(['node2'])
})

test('another key is ignored while the node is present', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using directory = openDirectory({ bus, log, path: join(folder.path, 'nodes.json') })
  await until(() => announce(bus) && directory.get('node2'))

  announce(bus, { publicKey: 'B'.repeat(43) })
  announce(bus, { nodeId: 'node3' })

  await until(() => directory.get('node3'))
  expect(directory.get('node2')?.announcement.publicKey).toBe('A'.repeat(43))
})

test('who was heard is remembered as lost after a restart without nats', async () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'nodes.json')
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  const first = openDirectory({ bus, log, path })
  await until(() => announce(bus) && first.get('node2'))
  await first[Symbol.asyncDispose]()

  await using away = connectBus({ url: 'nats://127.0.0.1:1', name: 'test', log })
  await using second = openDirectory({ bus: away, log, path })

  expect(second.presence('node2')).toBe('lost')
  expect(second.get('node2')?.announcement.endpoints.peer).toBe('127.0.0.1:5002')
})

test('the actor ids that a node had are known, also after a restart, and while its agent is away', async () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'nodes.json')
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  const first = openDirectory({ bus, log, path })
  const withActor = (actorId: string | null) => ({
    agent: { ...announcement().agent, actorId },
  })
  const [old, recent] = ['a'.repeat(32), 'b'.repeat(32)]
  await until(() => announce(bus, withActor(old)) && first.get('node2')?.actorIds.length === 1)
  await until(() => announce(bus, withActor(recent)) && first.get('node2')?.actorIds.length === 2)
  announce(bus, withActor(null))
  await until(() => first.get('node2')?.announcement.agent.actorId === null)
  expect(first.get('node2')?.actorIds).toEqual([recent, old])
  await first[Symbol.asyncDispose]()

  await using second = openDirectory({ bus, log, path })

  expect(second.get('node2')?.actorIds).toEqual([recent, old])
})

test('a node that is forgotten stays so over a restart, until it announces itself', async () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'nodes.json')
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  const first = openDirectory({ bus, log, path })
  await until(() => announce(bus) && first.get('node2'))

  first.forget('node2')

  expect(first.presence('node2')).toBe('unheard')
  await first[Symbol.asyncDispose]()
  await using second = openDirectory({ bus, log, path })
  expect(second.nodes()).toEqual([])
  await until(() => announce(bus) && second.presence('node2') === 'present')
})

test('a key is made once, and its signatures are known by its public half', () => {
  using folder = createTemporaryFolder()
  const key = openNodeKey(folder.path)
  const again = openNodeKey(folder.path)
  const signature = key.sign('text')

  expect(again.publicKey).toBe(key.publicKey)
  expect(signature).toHaveLength(86)
  expect(isSignedBy(again.publicKey, 'text', signature)).toBe(true)
  expect(isSignedBy(again.publicKey, 'texT', signature)).toBe(false)
  expect(
    isSignedBy(
      again.publicKey,
      'text',
      signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
    ),
  ).toBe(false)
})
