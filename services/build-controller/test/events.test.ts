// What a controller says on NATS, and what it answers there.
import { type Bus, connectBus, readStream } from '@corroport/bus'
import {
  type BuildControllerAnnounced,
  buildAudited,
  buildControllerAnnounced,
  buildLogQueried,
  buildQueried,
  buildSteered,
  buildsQueried,
  buildThroughputQueried,
  buildWorkerSteered,
  buildWorkersQueried,
} from '@corroport/contracts'
import { createTemporaryFolder, type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  asAdmin,
  type Controller,
  createDatabase,
  quiet,
  registerWorker,
  startController,
  startPostgresOfFile,
  submit,
} from './harness.ts'

const postgres = startPostgresOfFile()
let nats: NatsServer
beforeAll(async () => {
  nats = await startNatsServer()
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
})

function openBus(name: string): Bus {
  return connectBus({ url: nats.url, name, log: quiet })
}

/** A controller with its own connection to NATS, which ends after it. */
async function startSpeaking(shared: { databaseUrl?: string; storageRoot?: string } = {}) {
  await using starting = new AsyncDisposableStack()
  const bus = starting.use(openBus('build-controller'))
  const controller = starting.use(await startController(postgres(), {}, { ...shared, bus }))
  const all = starting.move()
  return Object.assign(controller, { [Symbol.asyncDispose]: () => all.disposeAsync() })
}

type Speaking = Controller

async function claim(controller: Speaking, worker: { headers: Record<string, string> }) {
  const { body } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  return body['job']
}

/** Kinds of what is stored of a build or worker, in the order of the stream. */
async function toldOf(bus: Bus, id: string): Promise<string[]> {
  const records = await readStream(bus, 'BUILDS')
  return records
    .filter(({ subject }) => subject.endsWith(`.${id}`))
    .map(({ subject }) => subject.split('.').slice(1, 3).join('.'))
}

test('the life of a build is told once, in order, by one of two controllers', async () => {
  await using database = await createDatabase(postgres())
  using folder = createTemporaryFolder()
  const shared = { databaseUrl: database.url, storageRoot: folder.path }
  await using first = await startSpeaking(shared)
  await using second = await startSpeaking(shared)
  await using listener = openBus('test')
  const { id } = await submit(first)
  const worker = await registerWorker(second)

  const job = await claim(second, worker)
  await first.ask('/api/workers/heartbeat', {
    headers: { 'x-lease-token': job.lease_token },
    body: { build_id: id },
  })
  await first.ask('/api/workers/fail', {
    headers: { 'x-lease-token': job.lease_token },
    body: { build_id: id, error: 'xcodebuild ended with 65' },
  })
  await second.ask('/api/workers/unregister', { headers: worker.headers, method: 'POST' })

  const whole = ['build.submitted', 'build.assigned', 'build.started', 'build.failed']
  await until(async () => (await toldOf(listener, id)).includes('build.failed'))
  await until(async () => (await toldOf(listener, worker.id)).includes('worker.left'))
  expect(await toldOf(listener, id)).toEqual(whole)
  expect(await toldOf(listener, worker.id)).toEqual(['worker.registered', 'worker.left'])
})

test('what a store of NATS has lost is told again', async () => {
  await using controller = await startSpeaking()
  await using listener = openBus('test')
  const { id } = await submit(controller)
  await until(async () => (await toldOf(listener, id)).length === 1)

  await nats.kill()
  nats.wipe()
  await nats.start()
  const another = await submit(controller)

  await until(async () => {
    const both = await Promise.all([toldOf(listener, id), toldOf(listener, another.id)])
    return both.every(({ length }) => length === 1)
  })
})

test('an event that fits no contract does not keep others waiting', async () => {
  await using controller = await startSpeaking()
  await using listener = openBus('test')
  await controller.pool.query(
    `INSERT INTO builds.event (kind, build_id, data) VALUES ('build.submitted', 'x y', '{}'),
      ('build.invented', 'x', '{}')`,
  )

  const { id } = await submit(controller)

  await until(async () => (await toldOf(listener, id)).length === 1)
})

test('each second it says how many wait and who works', async () => {
  await using controller = await startSpeaking()
  await using listener = openBus('test')
  const heard: BuildControllerAnnounced[] = []
  await using _hearing = listener.hear(buildControllerAnnounced, (said) => void heard.push(said))
  await submit(controller)
  await submit(controller)
  await claim(controller, await registerWorker(controller))

  const said = await until(() =>
    heard.find(
      ({ builds, workers, claimMs }) =>
        builds?.pending === 1 &&
        builds.assigned === 1 &&
        workers?.building === 1 &&
        claimMs?.n === 1,
    ),
  )

  expect(said).toMatchObject({ isReady: true, waitingPolls: 0 })
  expect(said.controllerId).toMatch(/_\d+$/)
})

test('builds, their logs and workers are asked for, and steered', async () => {
  await using controller = await startSpeaking()
  await using asking = openBus('test')
  await until(() => asking.isConnected)
  const { id } = await submit(controller)
  const waiting = await submit(controller)
  const worker = await registerWorker(controller)
  const job = await claim(controller, worker)
  await controller.ask(`/api/builds/${id}/logs`, {
    headers: { 'x-lease-token': job.lease_token },
    body: { logs: [{ level: 'info', message: 'Installing pods' }] },
  })
  const ask = <T>(answer: () => Promise<T>): Promise<T> =>
    until(() => answer().catch(() => false as const))

  const { builds, counts } = await ask(() => asking.request(buildsQueried, {}, { limit: 10 }))
  expect(builds.map((build) => build.id)).toEqual([waiting.id, id])
  expect(counts).toMatchObject({ pending: 1, assigned: 1, total: 2 })

  const { lines, status } = await asking.request(buildLogQueried, {}, { id, after: 0, limit: 10 })
  expect(status).toBe('assigned')
  expect(lines).toMatchObject([{ number: 1, level: 'info', message: 'Installing pods' }])

  const { workers } = await asking.request(buildWorkersQueried, {}, { limit: 10 })
  expect(workers).toMatchObject([{ id: worker.id, status: 'building', buildId: id }])

  await asking.request(buildSteered, {}, { id, to: 'cancel' })
  const { build, events } = await asking.request(buildQueried, {}, { id })
  expect(build).toMatchObject({ status: 'cancelled', workerId: worker.id })
  expect(events.map(({ kind }) => kind)).toEqual([
    'build.submitted',
    'build.assigned',
    'build.cancelled',
  ])

  const retried = await asking.request(buildSteered, {}, { id, to: 'retry' })
  expect(retried.status).toBe('pending')
  expect(retried.id).not.toBe(id)

  await asking.request(buildWorkerSteered, {}, { id: worker.id, to: 'draining' })
  expect(await claim(controller, worker)).toBeNull()

  const { hours } = await asking.request(buildThroughputQueried, {}, { hours: 1 })
  expect(hours).toMatchObject([{ cancelled: 1, completed: 0 }])

  await controller.ask(`/api/builds/${waiting.id}/cancel`, {
    headers: { 'x-build-token': waiting.token },
    method: 'POST',
  })
  const unknown = asking.request(buildSteered, {}, { id: 'nobody', to: 'retry' })
  await expect(unknown).rejects.toMatchObject({ refusal: { code: 'not-found' } })
  expect(await asking.request(buildQueried, {}, { id: 'nobody' })).toEqual({
    build: null,
    events: [],
  })
})

test('who submits, cancels or administers is noted, and who was refused; without what they showed', async () => {
  await using controller = await startSpeaking()
  await using listener = openBus('test')
  const { id, token } = await submit(controller)
  const cancel = `/api/v2/builds/${id}/cancel`
  await controller.ask(cancel, { method: 'POST', headers: { 'x-build-token': token } })
  await controller.ask('/api/v2/keys', { headers: { 'x-api-key': 'x'.repeat(40) } })
  await controller.ask('/api/v2/keys', {
    headers: asAdmin,
    body: { name: 'ci', role: 'submitter' },
  })

  const noted = await until(async () => {
    const records = await readStream(listener, 'BUILDS')
    const { port } = new URL(controller.origin)
    const own = records.filter(({ subject }) => subject.endsWith(`_${port}`))
    return own.length === 4 && own.map(({ text }) => buildAudited.parse(JSON.parse(text)))
  })

  expect(noted.map(({ by, action, target, status }) => [by, action, target, status])).toEqual([
    ['controller', 'POST /api/builds/submit', null, 201],
    ['holder of the build token', 'POST /api/v2/builds/:id/cancel', id, 200],
    [null, 'GET /api/v2/keys', null, 403],
    ['controller', 'POST /api/v2/keys', null, 201],
  ])
  expect(JSON.stringify(noted)).not.toContain(token)
})
