import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createTemporaryFolder, startCorrosionAgent, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { discoveryMigration, startDiscovery } from '../src/membership/discovery.ts'
import type { DiscoverySettings, DnsKind } from '../src/membership/settings.ts'
import { type Reply, startDnsServer } from './dns-server.ts'

const hostname = 'farm.example'
const a = (data: string) => ({ type: 'A' as const, name: hostname, data })

/** Discovery with a state file of its own, or of `folder`; warnings are kept. */
function startDiscoverer(
  settings: DiscoverySettings,
  folder: string,
  agentUrl = 'http://127.0.0.1:1',
) {
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) })
  const stack = new AsyncDisposableStack()
  const bus = stack.use(
    connectBus({ url: 'nats://127.0.0.1:1', name: 'test', log: pino({ level: 'silent' }) }),
  )
  const path = join(folder, 'state.sqlite')
  const state = stack.use(openStateFile({ path, migrations: [discoveryMigration], bus, log }))
  const agent = stack.use(createCorrosionClient({ url: agentUrl }))
  const discovery = stack.use(startDiscovery({ settings, agent, state, log }))
  return Object.assign(stack, {
    warnings,
    declared: () => discovery.declared,
    addresses: () => discovery.declared.nodes.map(({ address }) => address),
  })
}

const dns = (server: string, kind: DnsKind = 'a'): DiscoverySettings => ({
  type: 'dns',
  hostname,
  kind,
  refreshMs: 50,
  server,
})

/** A server whose replies a test changes, and discovery that asks it. */
async function startAsking(kind: DnsKind, first: (question: string) => Reply) {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const zone = { reply: first }
  const server = stack.use(await startDnsServer((question) => zone.reply(question)))
  const discoverer = stack.use(startDiscoverer(dns(server.address, kind), folder.path))
  const { warnings, declared, addresses } = discoverer
  return Object.assign(stack, { zone, server, warnings, declared, addresses })
}

test('A and AAAA are the nodes, and a change of them is followed', async () => {
  await using asking = await startAsking('a', (question) =>
    question.startsWith('AAAA ')
      ? [{ type: 'AAAA', name: hostname, data: 'fd00::2' }]
      : [a('10.0.0.2'), a('10.0.0.1')],
  )
  await until(() => asking.addresses().length === 3)
  expect(asking.addresses()).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::2'])

  asking.zone.reply = (question) => (question.startsWith('A ') ? [a('10.0.0.9')] : [])

  await until(() => asking.addresses().length === 1)
  expect(asking.declared()).toMatchObject({
    source: 'dns',
    nodes: [{ nodeId: null, address: '10.0.0.9', region: null }],
    error: null,
  })
})

const failures: [string, Reply, RegExp][] = [
  ['answers nothing', [], /ENODATA/],
  ['does not answer', 'silent', /ETIMEOUT/],
  ['refuses', 'refused', /EREFUSED/],
  ['truncates, and does not listen on TCP', 'truncated', /ECONNREFUSED|EBADRESP|ETIMEOUT/],
]

test.each(failures)(
  'a server that %s takes away nobody, and the list is right again with the next answer',
  async (_, failure, reason) => {
    await using asking = await startAsking('a', (question) =>
      question.startsWith('A ') ? [a('10.0.0.1')] : [],
    )
    await until(() => asking.addresses().length === 1)

    asking.zone.reply = () => failure
    await until(() => asking.declared().error !== null)

    expect(asking.declared().error).toMatch(reason)
    expect(asking.addresses()).toEqual(['10.0.0.1'])

    asking.zone.reply = (question) => (question.startsWith('A ') ? [a('10.0.0.2')] : [])
    await until(() => asking.declared().error === null)
    expect(asking.addresses()).toEqual(['10.0.0.2'])
  },
)

test('when one family does not answer, the list of both is kept', async () => {
  await using asking = await startAsking('a', (question) =>
    question.startsWith('A ')
      ? [a('10.0.0.1')]
      : [{ type: 'AAAA', name: hostname, data: 'fd00::2' }],
  )
  await until(() => asking.addresses().length === 2)

  asking.zone.reply = (question) => (question.startsWith('A ') ? [a('10.0.0.1')] : 'refused')
  await until(() => asking.declared().error !== null)

  expect(asking.addresses()).toEqual(['10.0.0.1', 'fd00::2'])
})

test('a restart while nobody answers knows the last list and its age', async () => {
  using folder = createTemporaryFolder()
  let isSilent = false
  await using server = await startDnsServer((question) =>
    isSilent ? 'refused' : question.startsWith('A ') ? [a('10.0.0.1')] : [],
  )
  const first = startDiscoverer(dns(server.address), folder.path)
  const { takenAt } = await until(() => first.addresses().length === 1 && first.declared())
  await first.disposeAsync()

  isSilent = true
  await using second = startDiscoverer(dns(server.address), folder.path)
  await until(() => /EREFUSED/.test(second.declared().error ?? ''))

  expect(second.addresses()).toEqual(['10.0.0.1'])
  expect(second.declared().takenAt?.slice(0, 16)).toBe(takenAt?.slice(0, 16))
})

test('SRV gives the ports of its targets', async () => {
  await using asking = await startAsking('srv', (question) => {
    switch (question) {
      case `SRV ${hostname}`:
        return ['m1', 'm2'].map((target, index) => ({
          type: 'SRV',
          name: hostname,
          data: { target: `${target}.example`, port: 8787 + index },
        }))
      case 'A m1.example':
        return [{ type: 'A', name: 'm1.example', data: '10.0.0.1' }]
      case 'AAAA m2.example':
        return [{ type: 'AAAA', name: 'm2.example', data: 'fd00::2' }]
      default:
        return []
    }
  })

  await until(() => asking.addresses().length === 2)
  expect(asking.addresses()).toEqual(['10.0.0.1:8787', '[fd00::2]:8788'])
  expect(asking.declared().error).toBeNull()
})

test('TXT names machines and their regions; a malformed pair is told once', async () => {
  await using asking = await startAsking('txt', () => [
    { type: 'TXT', name: hostname, data: ['m1 iad,broken,m2 ', 'fra'] },
  ])

  await until(() => asking.declared().nodes.length === 2)
  expect(asking.declared().nodes).toEqual([
    { nodeId: 'fra-m2', address: null, region: 'fra' },
    { nodeId: 'iad-m1', address: null, region: 'iad' },
  ])
  await until(() => asking.server.asked.length > 5)
  expect(asking.warnings.filter((line) => line.includes('broken'))).toHaveLength(1)
})

test('the registry is the rows of node_configs, without those that have left', async () => {
  using folder = createTemporaryFolder()
  await using agent = await startCorrosionAgent()
  await using client = createCorrosionClient({ url: agent.url })
  await using discoverer = startDiscoverer({ type: 'registry' }, folder.path, agent.url)
  await until(() => discoverer.declared().error === 'the answer names nobody')
  await client.transact([
    "INSERT INTO node_configs (node_id, region) VALUES ('node1', 'iad'), ('node2', 'unknown')",
    "INSERT INTO node_configs (node_id, state) VALUES ('node3', 'left')",
    "INSERT INTO node_configs (node_id) VALUES ('not a node')",
  ])

  await until(() => discoverer.declared().nodes.length > 0)
  expect(discoverer.declared()).toMatchObject({
    nodes: [
      { nodeId: 'node1', address: null, region: 'iad' },
      { nodeId: 'node2', address: null, region: null },
    ],
    error: null,
  })
})
