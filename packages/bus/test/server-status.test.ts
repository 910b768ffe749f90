import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { streams } from '@corroport/contracts'
import {
  createTemporaryFolder,
  freePort,
  natsServerProgram,
  startNatsServer,
  stopProcess,
  until,
} from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { connectBus } from '../src/bus.ts'
import { applyStreams } from '../src/migrate-streams.ts'
import { lookAtMonitor } from '../src/server-monitor.ts'
import { lookAtServer } from '../src/server-status.ts'

const log = pino({ level: 'silent' })
const timeoutMs = 800

test('a server that runs alone leads its streams and confirms a write', async () => {
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await until(() => bus.isConnected)

  const { writeError, streams: found } = await lookAtServer(bus, 'node1', timeoutMs)

  expect(writeError).toBeNull()
  expect(found.map(({ name }) => name)).toEqual(streams.map(({ name }) => name))
  for (const stream of found) {
    expect(stream).toMatchObject({
      exists: true,
      replicas: { want: 1, have: 1, current: 1 },
      maxLag: 0,
    })
  }
})

test('a server that hangs is not waited for, and one that is away is told at once', async () => {
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await until(() => bus.isConnected)

  await stopProcess(nats.pid)
  try {
    await expect(lookAtServer(bus, 'node1', timeoutMs)).rejects.toThrow(
      'nats did not answer in 800 ms',
    )
  } finally {
    process.kill(nats.pid, 'SIGCONT')
  }

  await nats.kill()
  await until(() => !bus.isConnected)
  await expect(lookAtServer(bus, 'node1', timeoutMs)).rejects.toThrow('nats is not connected')
})

test('a server without streams says that there are none', async () => {
  await using servers = await startServers(1)
  await using bus = connectBus({ url: servers.urls[0] ?? '', name: 'test', log })
  await until(() => bus.isConnected)

  const { writeError, streams: found } = await until(() =>
    lookAtServer(bus, 'node1', timeoutMs).catch(() => undefined),
  )

  expect(writeError).toBe('no stream takes it, or nobody leads that stream')
  expect(found.every(({ exists }) => !exists)).toBe(true)
})

test('of three servers one may go; without the second no write is confirmed', async () => {
  await using servers = await startServers(3)
  const [url = ''] = servers.urls
  await until(() =>
    applyStreams({ url, streams, durables: [] }).then(
      () => true,
      () => false, // no leader yet
    ),
  )
  await using bus = connectBus({ url, name: 'test', log })
  await until(() => bus.isConnected)
  const replicasOfRecords = async () => {
    const status = await lookAtServer(bus, 'node1', timeoutMs).catch(() => undefined)
    const records = status?.streams.find(({ name }) => name === 'RECORDS')
    return status && records && { ...status, ...records.replicas, leader: records.leader }
  }

  const whole = await until(async () => {
    const found = await replicasOfRecords()
    return found?.current === 3 && found.writeError === null && found
  })
  expect(whole).toMatchObject({ server: 'n1', want: 3, have: 3 })
  expect(whole.leader).toMatch(/^n[123]$/)

  await servers.kill(2)
  await until(async () => {
    const found = await replicasOfRecords()
    return found?.current === 2 && found.want === 3 && found.writeError === null
  })

  await servers.kill(1)
  // The one that is left goes on naming itself as leader, and the two that are gone as its followers.
  await until(async () => (await replicasOfRecords())?.writeError)
  expect(bus.isConnected).toBe(true)
}, 90_000)

test('a server that runs alone tells of no cluster, and one that is away is named', async () => {
  await using servers = await startServers(1)
  const [url = ''] = servers.monitors

  const view = await until(() => lookAtMonitor(url, soon()).catch(() => undefined))

  expect(view).toEqual({
    server: 'n1',
    cluster: null,
    routes: { expected: 0, up: 0 },
    meta: { leader: null, size: 1, hasQuorum: true },
  })
  await servers.kill(0)
  await expect(lookAtMonitor(url, soon())).rejects.toThrow(
    `nothing answers at ${new URL(url).host}`,
  )
})

test('a meta leader that is killed is followed by another, and by none without a quorum', async () => {
  await using servers = await startServers(3)
  const viewOf = (index: number) =>
    lookAtMonitor(servers.monitors[index] ?? '', soon()).catch(() => undefined)
  const whole = await until(async () => {
    const views = await Promise.all([viewOf(0), viewOf(1), viewOf(2)])
    // A meta group may have its leader before the third server is in it.
    const isFormed = views.every(
      (view) => view?.meta.leader && view.meta.size === 3 && view.routes.up === 2,
    )
    return isFormed && views[0]
  })
  expect(whole).toMatchObject({
    server: 'n1',
    cluster: 'test',
    routes: { expected: 2 },
    meta: { size: 3, hasQuorum: true },
  })

  const names = ['n1', 'n2', 'n3']
  const first = names.indexOf(whole.meta.leader ?? '')
  const [one = 0, other = 0] = [0, 1, 2].filter((index) => index !== first)
  await servers.kill(first)

  // Until there is another, the one that is gone is not told as leader, though its server names it.
  const seen = new Set<string | null>()
  const second = await until(async () => {
    const view = await viewOf(one)
    if (view?.routes.up !== 1) return undefined
    seen.add(view.meta.leader)
    return view.meta.leader !== null && view
  })
  expect(seen).not.toContain(names[first])
  expect(second).toMatchObject({
    routes: { expected: 2, up: 1 },
    meta: { size: 3, hasQuorum: true },
  })

  await servers.kill(other)
  await until(async () => (await viewOf(one))?.meta.leader === null)
  expect(await viewOf(one)).toMatchObject({
    routes: { expected: 2, up: 0 },
    meta: { leader: null, size: 3, hasQuorum: false },
  })
}, 90_000)

const soon = () => AbortSignal.timeout(timeoutMs)

/** Servers of one cluster, named n1, n2, n3, without streams. */
async function startServers(count: number) {
  const folder = createTemporaryFolder()
  const ports: Record<'client' | 'route' | 'monitor', number>[] = []
  while (ports.length < count) {
    const [client, route, monitor] = [await freePort(), await freePort(), await freePort()]
    ports.push({ client, route, monitor })
  }
  const routes = ports.map(({ route }) => `nats://127.0.0.1:${route}`).join(',')

  const children = ports.map(({ client, route, monitor }, index): ChildProcess => {
    const name = `n${index + 1}`
    const cluster = ['--cluster_name', 'test', '--cluster', `nats://127.0.0.1:${route}`]
    return spawn(
      natsServerProgram(),
      [
        '-js',
        '-a=127.0.0.1',
        `-p=${client}`,
        `-m=${monitor}`,
        `-n=${name}`,
        `-sd=${join(folder.path, name)}`,
        ...(count > 1 ? [...cluster, '--routes', routes] : []),
      ],
      { stdio: 'ignore' },
    )
  })
  const kill = async (index: number): Promise<void> => {
    const child = children[index]
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {
    urls: ports.map(({ client }) => `nats://127.0.0.1:${client}`),
    monitors: ports.map(({ monitor }) => `http://127.0.0.1:${monitor}`),
    kill,
    async [Symbol.asyncDispose]() {
      await Promise.all(children.keys().map(kill))
      folder[Symbol.dispose]()
    },
  }
}
