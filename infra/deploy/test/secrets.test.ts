import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AccessToken } from '@corroport/contracts'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, expect, test } from '@jest/globals'
import { Value } from 'typebox/value'
import { isDraft } from '../src/write-file.ts'
import { deploy } from './deploy.ts'

const folder = createTemporaryFolder()
afterAll(() => folder[Symbol.dispose]())

function filesOf(dir: string): Map<string, string> {
  if (!existsSync(dir)) return new Map()
  return new Map(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path.slice(dir.length + 1), readFileSync(path, 'utf8')]
      }),
  )
}

function countOf(dir: string): number {
  if (!existsSync(dir)) return 0
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !isDraft(entry.name),
  ).length
}

async function init(name: string): Promise<{ dir: string; printed: string[] }> {
  const dir = join(folder.path, name)
  return { dir, printed: await deploy(['init', '--dir', dir, '--nodes', '2']) }
}

test('init makes secrets that only their owner reads, each another one, and prints no value', async () => {
  const { dir, printed } = await init('first')

  const files = filesOf(dir)
  expect(printed.toSorted()).toEqual([...files.keys()].toSorted())
  expect(files.has('nats/gateway-node2.password')).toBe(true)
  expect(new Set(files.values()).size).toBe(files.size)
  for (const [name, value] of files) {
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
    expect(printed.join('\n')).not.toContain(value.trimEnd())
  }
  for (const each of ['', 'nats', 'postgres', 'agent']) {
    expect(statSync(join(dir, each)).mode & 0o777).toBe(0o700)
  }
  const random = [...files].filter(([name]) => /^agent\/|password$|^metrics/.test(name))
  for (const [, value] of random) expect(value).toMatch(/^[\w-]{43}\n$/)
  expect(Value.Check(AccessToken, files.get('admin.token')?.trimEnd())).toBe(true)
  expect(files.get('postgres/status.url')).toBe(
    `postgres://corroport_status:${files.get('postgres/status.password')?.trimEnd()}@postgres:5432/corroport\n`,
  )
})

test('init changes nothing that is there, and makes what more nodes need', async () => {
  const { dir } = await init('second')
  const before = filesOf(dir)

  expect((await init('second')).printed).toEqual([])
  const printed = await deploy(['init', '--dir', dir, '--nodes', '3'])

  expect(printed).toContain('agent/node3.token')
  for (const [name, value] of before) expect(filesOf(dir).get(name)).toBe(value)
})

test('init that was killed anywhere leaves whole secrets, and the next one keeps them', async () => {
  const main = join(import.meta.dirname, '../src/main.ts')
  for (const made of [1, 8, 20]) {
    const dir = join(folder.path, `killed-${made}`)
    const child = spawn(process.execPath, [main, 'init', '--dir', dir, '--nodes', '2'])
    const ended = once(child, 'exit')
    await until(() => countOf(dir) >= made || child.exitCode !== null)
    child.kill('SIGKILL')
    await ended
    const left = [...filesOf(dir)].filter(([name]) => !isDraft(name.split('/').at(-1) ?? ''))

    await deploy(['init', '--dir', dir, '--nodes', '2'])

    const files = filesOf(dir)
    expect(left.length).toBeGreaterThan(0)
    for (const [name, value] of left) expect([name, files.get(name)]).toEqual([name, value])
    expect([...files.keys()].filter((name) => name.includes('.draft'))).toEqual([])
    expect([...files.values()].every((value) => value.length > 40)).toBe(true)
  }
}, 60_000)

test('a container is given what it may see, and loses what it no longer may', async () => {
  const { dir } = await init('shared')
  await deploy(['nats-config', '--dir', dir, '--nodes', '2'])
  await deploy(['agent-config', '--dir', dir, '--node', 'node1', '--bootstrap', 'agent2:8787'])
  const to = join(folder.path, 'volume')
  const share = (who: string) => deploy(['share', '--dir', dir, '--to', to, '--as', who])

  expect(await share('gateway-node1')).toHaveLength(4)
  expect([...filesOf(to).keys()].toSorted()).toEqual([
    'agent.token',
    'database.url',
    'metrics.token',
    'nats.password',
  ])
  expect(statSync(join(to, 'nats.password')).mode & 0o777).toBe(0o440)
  chmodSync(join(to, 'nats.password'), 0o444)
  expect(await share('gateway-node1')).toEqual([])
  expect(statSync(join(to, 'nats.password')).mode & 0o777).toBe(0o440)
  writeFileSync(join(to, '.agent.token.draft'), 'half')
  expect(await share('ack-sender-node1')).toEqual([
    'nats.password',
    expect.stringContaining('(removed)'),
    expect.stringContaining('(removed)'),
    expect.stringContaining('(removed)'),
  ])
  expect([...filesOf(to).keys()].toSorted()).toEqual(['metrics.token', 'nats.password'])
  await expect(share('gateway-node9')).rejects.toThrow('run deploy init first')
  await expect(share('nobody')).rejects.toThrow(/^nobody is called nobody: it is one of agent/)
})

test.each([
  ['nats', 'analytics', 'nats/analytics.password'],
  ['postgres', 'status', 'postgres/status.password'],
  ['agent', 'node1', 'agent/node1.token'],
  ['metrics', undefined, 'metrics.token'],
  ['edge', undefined, 'edge.token'],
  ['admin', undefined, 'admin.token'],
])(
  'rotating %s %s makes a new value, keeps the old one, and says what to do',
  async (what, which, file) => {
    const { dir } = await init(`rotated-${what}`)
    const before = filesOf(dir)

    const steps = await deploy(['rotate', what, ...(which ? [which] : []), '--dir', dir])

    const after = filesOf(dir)
    expect(after.get(file)).not.toBe(before.get(file))
    expect(after.get(`${file}.previous`)).toBe(before.get(file))
    expect(steps.length).toBeGreaterThan(1)
    const changed = [...before].filter(([name, value]) => after.get(name) !== value)
    expect(changed.map(([name]) => name)).toEqual(
      what === 'postgres' ? [file, 'postgres/status.url'] : [file],
    )
  },
)

test('what is not known is not rotated', async () => {
  const { dir } = await init('unknown')
  const before = filesOf(dir)

  await expect(deploy(['rotate', 'nats', 'nobody', '--dir', dir])).rejects.toThrow(
    'one of: ack-sender',
  )
  await expect(deploy(['rotate', 'postgres', '--dir', dir])).rejects.toThrow('owner, analytics')
  await expect(deploy(['rotate', 'agent', 'node7', '--dir', dir])).rejects.toThrow('missing')
  await expect(deploy(['rotate', 'keys', '--dir', dir])).rejects.toThrow('keys is no kind')
  expect(filesOf(dir)).toEqual(before)
})

test('the Secrets of Kubernetes hold for each container of each pod what it may see', async () => {
  const { dir } = await init('kubernetes')
  const nodes = ['--dir', dir, '--nodes', 'node-0..node-1']
  await deploy(['init', ...nodes])
  await deploy(['nats-config', ...nodes, '--server-name', '$POD_NAME', '--routes', 'nats-0:6222'])
  for (const node of ['node-0', 'node-1'])
    await deploy(['agent-config', '--dir', dir, '--node', node])
  await deploy(['rotate', 'postgres', 'owner', '--dir', dir])

  const [text = ''] = await deploy(['kubernetes-secrets', ...nodes, '--namespace', 'here'])

  const secrets = text.split('\n---\n').map((each) => JSON.parse(each) as Secret)
  const keysOf = (name: string) =>
    Object.keys(secrets.find(({ metadata }) => metadata.name === name)?.stringData ?? {})
  expect(secrets.every(({ metadata }) => metadata.namespace === 'here')).toBe(true)
  expect(keysOf('corroport-nodes')).toEqual(
    ['node-0', 'node-1'].flatMap((node) => [
      `${node}.agent.agent.toml`,
      `${node}.subscriber.nats-password`,
      `${node}.subscriber.agent-token`,
      `${node}.subscriber.metrics-token`,
      `${node}.ack-sender.nats-password`,
      `${node}.ack-sender.metrics-token`,
      `${node}.config-manager.nats-password`,
      `${node}.config-manager.agent-token`,
      `${node}.config-manager.agent.toml`,
      `${node}.config-manager.metrics-token`,
      `${node}.gateway.nats-password`,
      `${node}.gateway.agent-token`,
      `${node}.gateway.database-url`,
      `${node}.gateway.metrics-token`,
      `${node}.edge-proxy.nats-password`,
      `${node}.edge-proxy.agent-token`,
      `${node}.edge-proxy.edge-token`,
      `${node}.edge-proxy.metrics-token`,
    ]),
  )
  expect(keysOf('corroport-nats')).toEqual(['nats.conf'])
  expect(keysOf('corroport-migrate')).toContain('owner-url-previous')
})

test.each(['0', '21', 'x'])('an override for %s nodes is refused', async (count) => {
  await expect(deploy(['compose-nodes', count])).rejects.toThrow('Give a number from 1 to 20.')
})

interface Secret {
  metadata: { name: string; namespace: string }
  stringData: Record<string, string>
}
