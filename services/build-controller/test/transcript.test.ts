// What the three clients of the original send, in their order, and what they read of each answer.
import { expect, test } from '@jest/globals'
import {
  apiKey,
  asAdmin,
  registerWorker,
  startController,
  startPostgresOfFile,
  submit,
  toForm,
} from './harness.ts'

const postgres = startPostgresOfFile()

test('the command line submits, watches, reads the log, downloads', async () => {
  await using controller = await startController(postgres())
  const source = new Blob(['PK a project'], { type: 'application/gzip' })
  const form = toForm({ platform: 'ios', appleId: 'a@b.c', applePassword: 'a-secret' })
  form.append('source', source, 'project.tar.gz')
  form.append('certs', new Blob(['PK certs']), 'certs.zip')

  const submitted = await controller.ask('/api/builds/submit', { headers: asAdmin, form })
  expect(submitted).toMatchObject({
    status: 201,
    body: { id: expect.stringMatching(/^[\w-]{21}$/), status: 'pending', platform: 'ios' },
  })
  const { id, access_token: token } = submitted.body
  const both = { 'x-api-key': apiKey, 'x-build-token': token }

  const status = await controller.ask(`/api/builds/${id}/status`, { headers: both })
  expect(status.body).toMatchObject({
    id,
    status: 'pending',
    submitted_at: expect.any(Number),
    started_at: null,
    completed_at: null,
    error_message: null,
  })

  const worker = await registerWorker(controller)
  const { body: polled } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  expect(polled).toEqual({
    access_token: worker.token,
    job: expect.objectContaining({
      id,
      platform: 'ios',
      source_url: `/api/builds/${id}/source`,
      certs_url: `/api/builds/${id}/certs`,
      otp: expect.any(String),
    }),
  })
  const finished = await controller.ask('/api/workers/upload', {
    headers: worker.headers,
    form: toForm({
      build_id: id,
      worker_id: worker.id,
      success: 'true',
      result: new Blob(['ipa']),
    }),
  })
  expect(finished).toMatchObject({ status: 200, body: { success: true, status: 'success' } })

  const list = await controller.ask('/api/builds', { headers: asAdmin })
  expect(list.body).toMatchObject({
    total: 1,
    builds: [
      { id, status: 'completed', createdAt: expect.any(String), completedAt: expect.any(String) },
    ],
  })
  const result = await controller.ask(`/api/builds/${id}/download`, { headers: both })
  expect(result.bytes.toString()).toBe('ipa')
  expect(result.headers.get('content-disposition')).toBe(`attachment; filename="${id}.ipa"`)
})

test('the command line cancels with the type of a body and no body', async () => {
  await using controller = await startController(postgres())
  const { id, token } = await submit(controller)
  const headers = { 'content-type': 'application/json', 'x-build-token': token }

  const cancelled = await controller.ask(`/api/builds/${id}/cancel`, { method: 'POST', headers })

  expect(cancelled).toMatchObject({ status: 200, body: { success: true, status: 'cancelled' } })
  // It throws at a status that it does not know, and would watch for ever.
  const original = await controller.ask(`/api/builds/${id}/status`, { headers })
  expect(original.body).toMatchObject({
    status: 'failed',
    state: 'cancelled',
    error_message: 'Build cancelled by user',
  })
  const v2 = await controller.ask(`/api/v2/builds/${id}/status`, { headers })
  expect(v2.body).toMatchObject({ status: 'cancelled' })
})

test('the virtual machine authenticates, fetches, logs, uploads; its worker then reports', async () => {
  await using controller = await startController(postgres())
  const { id, token } = await submit(controller)
  const worker = await registerWorker(controller)
  const { body: polled } = await controller.ask('/api/workers/poll', { headers: worker.headers })
  const at = (path: string): string => `/api/builds/${id}/${path}`

  const authenticated = await controller.ask(at('authenticate'), { body: { otp: polled.job.otp } })
  expect(authenticated).toMatchObject({ status: 200, body: { vm_token: expect.any(String) } })
  const vm = { 'x-vm-token': authenticated.body['vm_token'] }
  const again = await controller.ask(at('authenticate'), { body: { otp: polled.job.otp } })
  expect(again.status).toBe(401)

  const waiting = await controller.ask(at('vm-status'), { headers: worker.headers })
  expect(waiting.body).toEqual({ vm_ready: false })
  expect((await controller.ask(at('certs-secure'), { headers: vm })).status).toBe(404)
  expect(
    (await controller.ask(at('vm-ready'), { method: 'POST', headers: vm })).body,
  ).toMatchObject({
    success: true,
  })
  const ready = await controller.ask(at('vm-status'), { headers: worker.headers })
  expect(ready.body).toMatchObject({ vm_ready: true, vm_token: expect.any(String) })
  expect((await controller.ask(at('source'), { headers: vm })).bytes.toString()).toBe(
    'PK of a source',
  )

  const heartbeat = await controller.ask(at(`heartbeat?worker_id=${worker.id}`), {
    method: 'POST',
    headers: { 'x-vm-token': ready.body['vm_token'] },
  })
  expect(heartbeat).toMatchObject({ status: 200, body: { status: 'ok', cancel: false } })
  const telemetry = { type: 'heartbeat', timestamp: '2026-01-01T00:00:00Z', data: { cpu: 3 } }
  expect((await controller.ask(at('telemetry'), { headers: vm, body: telemetry })).body).toEqual({
    status: 'ok',
  })
  const logs = [
    { level: 'info', message: 'one' },
    { level: 'odd', message: 'left out' },
    { level: 'error', message: 'two' },
  ]
  expect((await controller.ask(at('logs'), { headers: vm, body: { logs } })).body).toEqual({
    success: true,
    count: 2,
  })

  const form = toForm({ artifact: new Blob(['the ipa']) })
  const artifact = await controller.ask(at('artifact'), { headers: vm, form })
  expect(artifact).toMatchObject({ status: 200, body: { success: true } })
  const reported = await controller.ask('/api/workers/upload', {
    headers: worker.headers,
    form: toForm({ build_id: id, worker_id: worker.id, success: 'true' }),
  })
  expect(reported).toMatchObject({ status: 200, body: { success: true } })
  const contrary = await controller.ask('/api/workers/upload', {
    headers: worker.headers,
    form: toForm({ build_id: id, worker_id: worker.id, success: 'false', error_message: 'no' }),
  })
  expect(contrary.status).toBe(409)

  const own = { 'x-build-token': token }
  expect((await controller.ask(at('status'), { headers: own })).body).toMatchObject({
    status: 'completed',
    completed_at: expect.any(Number),
  })
  const log = await controller.ask(at('logs'), { headers: own })
  expect(log.body['logs'].map(({ message }: { message: string }) => message)).toEqual([
    'telemetry heartbeat {"cpu":3}',
    'one',
    'two',
  ])
  expect((await controller.ask(at('download'), { headers: own })).bytes.toString()).toBe('the ipa')
})
