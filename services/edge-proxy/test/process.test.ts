// An edge proxy as it is started: its settings, what it ends with, and what it survives.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createTemporaryFolder, freePort, until } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createTableFile, firstLine, rowOf, startBackend } from './proxy.ts'

const main = join(import.meta.dirname, '../src/main.ts')

let stack: AsyncDisposableStack
let folder: string
beforeEach(() => {
  stack = new AsyncDisposableStack()
  folder = stack.use(createTemporaryFolder()).path
})
afterEach(() => stack.disposeAsync())

interface Started {
  child: ChildProcess
  port: number
  metricsPort: number
  said: () => string
  ended: Promise<number | null>
}

/** `descriptors`: as many as the process may have. */
async function start(
  environment: Record<string, string>,
  { descriptors }: { descriptors?: number } = {},
): Promise<Started> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const child = spawn('/bin/bash', ['-c', `${limit}exec "${process.execPath}" "${main}"`], {
    env: {
      PATH: process.env.PATH,
      NODE_ID: 'pop1',
      METRICS_PORT: String(metricsPort),
      EDGEPROXY_LISTEN_ADDR: `127.0.0.1:${port}`,
      EDGEPROXY_API_ENABLED: 'false',
      EDGEPROXY_WORKERS: '1',
      EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/8',
      EDGEPROXY_HEALTH_CHECK_ENABLED: 'false',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += String(chunk)
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  stack.defer(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, port, metricsPort, said: () => text, ended }
}

async function ready({ metricsPort, said, child }: Started): Promise<void> {
  await until(async () => {
    if (child.exitCode !== null) throw new Error(said())
    const url = `http://127.0.0.1:${metricsPort}/health/ready`
    return (await fetch(url).catch(() => undefined))?.ok
  }, 20_000)
}

/** With one backend that says who it is. */
async function table(): Promise<string> {
  const path = join(folder, 'routing.db')
  createTableFile(path).set([rowOf(stack.use(await startBackend('one')))])
  return path
}

function reach(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  stack.defer(() => void socket.destroy())
  return socket
}

function isRefused(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    socket.once('connect', () => socket.destroy())
  })
}

test('the settings of edgeProxy start as they are, and what means nothing any more is named', async () => {
  const proxy = await start({
    EDGEPROXY_REGION: 'sa',
    EDGEPROXY_DB_PATH: await table(),
    EDGEPROXY_DB_RELOAD_SECS: '5',
    EDGEPROXY_BINDING_TTL_SECS: '600',
    EDGEPROXY_BINDING_GC_INTERVAL_SECS: '60',
    EDGEPROXY_CORROSION_ENABLED: 'false',
    EDGEPROXY_CORROSION_POLL_SECS: '5',
    EDGEPROXY_HEARTBEAT_TTL_SECS: '60',
    EDGEPROXY_REPLICATION_ENABLED: 'true',
    EDGEPROXY_REPLICATION_GOSSIP_ADDR: '0.0.0.0:4001',
    EDGEPROXY_POOL_ENABLED: 'true',
    EDGEPROXY_MISSPELT: '1',
    DEBUG: '1',
  })
  await ready(proxy)

  expect(await firstLine(reach(proxy.port))).toBe('one')
  const warnings = proxy
    .said()
    .split('\n')
    .flatMap((line) => /"warning":"(\w+ (?:has no meaning|is not known))/.exec(line)?.[1] ?? [])
  expect(warnings).toEqual([
    'EDGEPROXY_BINDING_GC_INTERVAL_SECS has no meaning',
    'EDGEPROXY_CORROSION_POLL_SECS has no meaning',
    'EDGEPROXY_MISSPELT is not known',
    'EDGEPROXY_POOL_ENABLED has no meaning',
    'EDGEPROXY_REPLICATION_ENABLED has no meaning',
    'EDGEPROXY_REPLICATION_GOSSIP_ADDR has no meaning',
  ])
})

test.each([
  [{}, 'AGENT_URL is missing: origin of the Corrosion agent'],
  [{ EDGEPROXY_LISTEN_ADDR: 'here' }, 'EDGEPROXY_LISTEN_ADDR'],
  [{ EDGEPROXY_REGION: 'mars' }, 'EDGEPROXY_REGION=mars is none of sa, us, eu, ap'],
  [{ EDGEPROXY_TLS_ENABLED: 'true' }, 'TLS needs EDGEPROXY_TLS_CERT and EDGEPROXY_TLS_KEY'],
  [{ EDGEPROXY_REGIONS_PATH: '/none.json' }, 'EDGEPROXY_REGIONS_PATH'],
  [{ EDGEPROXY_LISTENERS: 'web' }, 'web should be name=value'],
  [{ EDGEPROXY_ALLOWED_BACKENDS: '10.0.0.0/99' }, 'EDGEPROXY_ALLOWED_BACKENDS'],
  [
    { EDGEPROXY_API_ENABLED: 'true', EDGEPROXY_API_LISTEN_ADDR: '0.0.0.0:7081' },
    'lets others register backends: set EDGEPROXY_API_TOKEN',
  ],
])('with %j it ends at once, and says why', async (wrong, why) => {
  const path = Object.keys(wrong).length > 0 ? { EDGEPROXY_DB_PATH: 'routing.db' } : {}
  const { ended, said } = await start({ ...path, ...wrong })

  expect(await ended).toBe(1)
  expect(said()).toContain(why)
})

test('a port that is taken is named, and so is one that another edge proxy has', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  stack.defer(() => void taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const path = { EDGEPROXY_DB_PATH: await table() }
  const first = await start(path)
  await ready(first)

  for (const used of [port, first.port]) {
    const second = await start({ ...path, EDGEPROXY_LISTEN_ADDR: `127.0.0.1:${used}` })
    expect(await second.ended).toBe(1)
    expect(second.said()).toContain(`${used}`)
    expect(second.said()).toContain('EADDRINUSE')
  }
  expect(await firstLine(reach(first.port))).toBe('one')
})

test('without descriptors nobody is blamed, who waits is served when there are some again', async () => {
  const proxy = await start({ EDGEPROXY_DB_PATH: await table() }, { descriptors: 150 })
  await ready(proxy)
  const many = Array.from({ length: 200 }, () => reach(proxy.port))
  await until(() => many.filter(({ bytesRead }) => bytesRead > 0).length > 30)

  for (const socket of many) socket.destroy()

  await until(async () => (await firstLine(reach(proxy.port))) === 'one')
  const text = await (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text()
  expect(text).toMatch(/edgeproxy_backend_errors_total\{region="eu",backend="one"\} 0/)
  expect(proxy.child.exitCode).toBeNull()
})

test('at SIGTERM it lets go what is open and ends with 0', async () => {
  const proxy = await start({ EDGEPROXY_DB_PATH: await table() })
  await ready(proxy)
  const socket = reach(proxy.port)
  expect(await firstLine(socket)).toBe('one')

  proxy.child.kill('SIGTERM')
  await until(() => isRefused(proxy.port))
  socket.write('still\n')
  expect(await firstLine(socket)).toBe('still')
  socket.end()

  expect(await proxy.ended).toBe(0)
})
