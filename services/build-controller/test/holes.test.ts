// What strangers, other submitters, other workers and earlier attempts are refused.
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { readConfig } from '../src/config.ts'
import {
  apiKey,
  asAdmin,
  type Controller,
  registerWorker,
  startController,
  startPostgresOfFile,
  submit,
  toForm,
} from './harness.ts'

const postgres = startPostgresOfFile()

/** A build that a worker holds, whose machine has authenticated. */
async function startBuild(controller: Controller, parts: Record<string, string | Blob> = {}) {
  const { id, token } = await submit(controller, parts)
  const worker = await registerWorker(controller)
  const { body } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  expect(body['job'].id).toBe(id)
  const { otp } = body['job']
  const vm = await controller.ask(`/api/builds/${id}/authenticate`, { body: { otp } })
  return { id, token, worker, job: body['job'], vm: { 'x-vm-token': vm.body['vm_token'] } }
}

const routes = [
  ['GET', '/api/builds'],
  ['GET', '/api/builds/active'],
  ['GET', '/api/builds/statistics'],
  ['GET', '/api/builds/{id}'],
  ['GET', '/api/builds/{id}/status'],
  ['GET', '/api/builds/{id}/events'],
  ['GET', '/api/builds/{id}/logs'],
  ['GET', '/api/builds/{id}/logs/live'],
  ['GET', '/api/builds/{id}/download'],
  ['GET', '/api/builds/{id}/download/source'],
  ['GET', '/api/builds/{id}/source'],
  ['GET', '/api/builds/{id}/certs'],
  ['GET', '/api/builds/{id}/certs-secure'],
  ['GET', '/api/builds/{id}/vm-status'],
  ['POST', '/api/builds/{id}/logs'],
  ['POST', '/api/builds/{id}/heartbeat?worker_id={worker}'],
  ['POST', '/api/builds/{id}/telemetry'],
  ['POST', '/api/builds/{id}/vm-ready'],
  ['POST', '/api/builds/{id}/artifact'],
  ['POST', '/api/builds/{id}/cancel'],
  ['POST', '/api/builds/{id}/retry'],
  ['POST', '/api/builds/submit'],
  ['POST', '/api/builds'],
  ['GET', '/api/workers'],
  ['GET', '/api/workers/poll'],
  ['GET', '/api/workers/{worker}/stats'],
  ['POST', '/api/workers/register'],
  ['POST', '/api/workers/unregister'],
  ['POST', '/api/workers/{worker}/unregister'],
  ['POST', '/api/workers/{worker}/drain'],
  ['POST', '/api/workers/upload'],
  ['POST', '/api/workers/result'],
  ['POST', '/api/workers/fail'],
  ['POST', '/api/workers/heartbeat'],
  ['POST', '/api/workers/abandon'],
] as const

test('without a credential nothing is answered but stats and health', async () => {
  await using controller = await startController(postgres())
  const { id, worker } = await startBuild(controller)
  const answers: Record<string, number> = {}

  for (const prefix of ['/api', '/api/v2']) {
    for (const [method, route] of routes) {
      const path = route.replace('/api', prefix).replace('{id}', id).replace('{worker}', worker.id)
      const body =
        method === 'POST' ? { build_id: id, worker_id: worker.id, error: 'x' } : undefined
      const { status } = await controller.ask(path, { method, ...(body && { body }) })
      answers[`${method} ${route.replace('/api', prefix)}`] = status
    }
  }

  expect(Object.entries(answers).filter(([, status]) => status !== 401)).toEqual([])
  expect((await controller.ask('/api/stats')).status).toBe(200)
  expect((await controller.ask('/health')).status).not.toBe(401)
})

test('a token of one build opens no other, nor does that of its machine or worker', async () => {
  await using controller = await startController(postgres(), { MAX_LOSSES: '9' })
  const theirs = await startBuild(controller)
  const mine = await startBuild(controller)
  const lease = { 'x-lease-token': mine.job.lease_token }

  const statuses: Record<string, number> = {}
  const at = async (name: string, path: string, options: Parameters<typeof controller.ask>[1]) => {
    statuses[name] = (await controller.ask(`/api/builds/${theirs.id}/${path}`, options)).status
  }
  await at('status by build token', 'status', { headers: { 'x-build-token': mine.token } })
  await at('source by build token', 'source', { headers: { 'x-build-token': mine.token } })
  await at('source by vm', 'source', { headers: mine.vm })
  await at('source by worker', 'source', { headers: mine.worker.headers })
  await at('certs by vm', 'certs-secure', { headers: mine.vm })
  await at('certs by worker', 'certs-secure', { headers: theirs.worker.headers })
  await at('vm-status by worker', 'vm-status', { headers: mine.worker.headers })
  await at('heartbeat by lease', 'heartbeat', { method: 'POST', headers: lease })
  await at('heartbeat by worker', 'heartbeat', { method: 'POST', headers: mine.worker.headers })
  await at('logs by vm', 'logs', { headers: mine.vm, body: { level: 'info', message: 'x' } })
  const form = () => toForm({ artifact: new Blob(['x']) })
  await at('artifact by vm', 'artifact', { headers: mine.vm, form: form() })

  expect(statuses).toEqual({
    'status by build token': 403,
    'source by build token': 401,
    'source by vm': 403,
    'source by worker': 403,
    'certs by vm': 403,
    'certs by worker': 401,
    'vm-status by worker': 403,
    'heartbeat by lease': 409,
    'heartbeat by worker': 403,
    'logs by vm': 403,
    'artifact by vm': 403,
  })
})

test('another worker neither completes, fails, keeps alive nor abandons a build', async () => {
  await using controller = await startController(postgres())
  const { id, worker, token } = await startBuild(controller)
  const other = await registerWorker(controller)
  const parts = { build_id: id, worker_id: worker.id }

  for (const success of ['true', 'false']) {
    const form = toForm({ ...parts, success, result: new Blob(['mine']) })
    const answer = await controller.ask('/api/workers/upload', { headers: other.headers, form })
    expect(answer.status).toBe(409)
  }
  for (const path of ['fail', 'heartbeat', 'abandon']) {
    const body = { build_id: id, error: 'x', reason: 'x' }
    const answer = await controller.ask(`/api/workers/${path}`, { headers: other.headers, body })
    expect([path, answer.status]).toEqual([path, 409])
  }
  const status = await controller.ask(`/api/builds/${id}/status`, {
    headers: { 'x-build-token': token },
  })
  expect(status.body['state']).toBe('assigned')
  expect(readdirSync(join(controller.storageRoot, 'builds', id))).toEqual(['source'])
  expect(readdirSync(join(controller.storageRoot, 'incoming'))).toEqual([])
})

test('knowing the id of a worker gives neither its token nor its build', async () => {
  await using controller = await startController(postgres(), {
    WORKER_ENROLMENT_TOKEN: '',
    ACCEPT_UNENROLLED_WORKERS: 'true',
  })
  const worker = await registerWorker(controller)
  const { id } = await submit(controller)
  await controller.ask('/api/workers/poll', { headers: worker.headers })

  const { body } = await controller.ask('/api/workers/register', {
    body: { id: worker.id, name: 'thief', active_build_count: 0 },
  })

  expect(body['id']).not.toBe(worker.id)
  const kept = await controller.ask('/api/workers/poll', { headers: worker.headers })
  expect(kept.body['job'].id).toBe(id)
})

test('a one-time password is good once, for five tries', async () => {
  await using controller = await startController(postgres())
  const { id } = await submit(controller)
  const worker = await registerWorker(controller)
  const { body } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  const tryOtp = (otp: string) =>
    controller.ask(`/api/builds/${id}/authenticate`, { body: { otp } })

  for (let tries = 0; tries < 5; tries += 1) expect((await tryOtp('wrong')).status).toBe(401)

  expect(await tryOtp(body['job'].otp)).toMatchObject({
    status: 401,
    body: { error: 'No OTP configured for this build' },
  })
})

test('the machine of an earlier attempt is refused what the next one has', async () => {
  await using controller = await startController(postgres(), { RETRY_SECONDS: '0' })
  const { id, worker, vm } = await startBuild(controller)
  await controller.ask('/api/workers/abandon', {
    headers: worker.headers,
    body: { build_id: id, reason: 'disk full' },
  })
  const second = await registerWorker(controller)
  const { body } = await controller.ask('/api/workers/poll', { headers: second.headers })
  expect(body['job']).toMatchObject({ id, attempt: 2 })

  const form = toForm({ artifact: new Blob(['stale']) })
  const stale = await controller.ask(`/api/builds/${id}/artifact`, { headers: vm, form })

  expect(stale.status).toBe(403)
  expect((await controller.ask(`/api/builds/${id}/source`, { headers: vm })).status).toBe(403)
})

test('what is stored holds no token, no password and no certificate in clear', async () => {
  await using controller = await startController(postgres())
  const secret = 'a private key that nobody may read'
  const { id, token, worker, vm, job } = await startBuild(controller, {
    certs: new Blob([secret]),
    applePassword: 'an-apple-password',
  })

  const { rows } = await controller.pool.query(
    `SELECT (SELECT jsonb_agg(b) FROM builds.build b)::text
      || (SELECT jsonb_agg(w) FROM builds.worker w)::text
      || (SELECT jsonb_agg(e) FROM builds.event e)::text AS all`,
  )
  const tokens = [token, worker.token, vm['x-vm-token'], job.otp, job.lease_token, apiKey]
  expect(tokens.filter((each) => rows[0].all.includes(each))).toEqual([])
  expect(rows[0].all).not.toContain('an-apple-password')
  const folder = join(controller.storageRoot, 'builds', id)
  expect(readdirSync(folder).toSorted()).toEqual(['certs', 'source'])
  expect(readFileSync(join(folder, 'certs')).includes('private key')).toBe(false)
  const certs = await controller.ask(`/api/builds/${id}/certs`, { headers: vm })
  expect(certs.bytes.toString()).toBe(secret)
})

test('who shows no key is refused before a body is read', async () => {
  await using controller = await startController(postgres())
  const socket = connect(Number(new URL(controller.origin).port), '127.0.0.1')
  socket.write(
    'POST /api/builds/submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 524288000\r\n\r\n--b\r\n',
  )

  const answer = await text(socket)

  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  expect(answer).toMatch(/connection: close/i)
})

test('a submitter sees its own builds and no others', async () => {
  await using controller = await startController(postgres())
  const { id } = await submit(controller)
  const key = await controller.ask('/api/v2/keys', {
    headers: asAdmin,
    body: { name: 'anna', role: 'submitter' },
  })
  const headers = { 'x-api-key': key.body['key'] }
  const own = await submit(controller, {}, headers)

  const list = await controller.ask('/api/builds', { headers })
  expect(list.body['builds'].map((build: { id: string }) => build.id)).toEqual([own.id])
  expect((await controller.ask(`/api/builds/${id}/status`, { headers })).status).toBe(404)
  expect((await controller.ask('/api/workers', { headers })).status).toBe(403)
  const revoke = { method: 'DELETE', headers: asAdmin }
  await controller.ask(`/api/v2/keys/${key.body['id']}`, revoke)
  expect((await controller.ask('/api/builds', { headers })).status).toBe(403)
})

test('settings without a key, or with a short one, do not start', () => {
  const rest = { DATABASE_URL: 'postgres://x', STORAGE_ROOT: '/x', METRICS_PORT: '1' }
  expect(() => readConfig(rest)).toThrow('CONTROLLER_API_KEY is missing')
  expect(() => readConfig({ ...rest, CONTROLLER_API_KEY: 'short' })).toThrow('CONTROLLER_API_KEY')
  expect(() =>
    readConfig({
      ...rest,
      CONTROLLER_API_KEY: apiKey,
      WORKER_ENROLMENT_TOKEN: apiKey,
      ACCEPT_UNENROLLED_WORKERS: 'true',
    }),
  ).toThrow('set one of them')
})

test('who guesses is turned away', async () => {
  await using controller = await startController(postgres())
  const statuses = new Set<number>()
  for (let tries = 0; tries < 130; tries += 1) {
    const { status } = await controller.ask('/api/builds', {
      headers: { 'x-api-key': `k${tries}` },
    })
    statuses.add(status)
  }

  expect([...statuses]).toEqual([403, 429])
})

test('stats of an empty database are zeros, and only what was done is counted', async () => {
  await using controller = await startController(postgres())

  expect((await controller.ask('/public/stats')).body).toEqual({
    nodesOnline: 0,
    totalCpuCycles: 0,
    buildsQueued: 0,
    activeBuilds: 0,
    buildsToday: 0,
    totalBuilds: 0,
    totalBuildTimeMs: 0,
  })
})
