// What a worker's doctor found, what its machines use, and what the database of the queue takes.
import { expect, test } from '@jest/globals'
import { asAdmin, registerWorker, startController, startPostgresOfFile, submit } from './harness.ts'

const postgres = startPostgresOfFile()

const reportOf = (workerId: string, changes: Record<string, unknown> = {}) => ({
  worker_id: workerId,
  status: 'warning',
  duration_ms: 1200,
  checks: [{ name: 'disk_space', status: 'warn', message: '9 GB free', details: { free_gb: '9' } }],
  ...changes,
})

test('what a doctor found is read again, the newest first', async () => {
  await using controller = await startController(postgres())
  const worker = await registerWorker(controller)
  const report = (changes: Record<string, unknown> = {}, headers = worker.headers) =>
    controller.ask('/api/diagnostics/report', { headers, body: reportOf(worker.id, changes) })

  const first = await report()
  const second = await report({ status: 'healthy', auto_fixed: true })
  expect([first.body, second.body]).toEqual([
    { id: expect.any(String), status: 'stored' },
    { id: expect.any(String), status: 'stored' },
  ])

  const path = `/api/diagnostics/${worker.id}`
  const { body } = await controller.ask(path, { headers: asAdmin })
  const { checks } = reportOf(worker.id)
  const common = { worker_id: worker.id, duration_ms: 1200, checks, run_at: expect.any(Number) }
  const newest = { ...common, id: second.body['id'], status: 'healthy', auto_fixed: true }
  expect(body).toEqual({
    worker_id: worker.id,
    reports: [newest, { ...common, id: first.body['id'], status: 'warning', auto_fixed: false }],
  })
  expect((await controller.ask(`${path}?limit=1`, { headers: asAdmin })).body).toEqual({
    worker_id: worker.id,
    reports: [newest],
  })
  expect((await controller.ask(`${path}/latest`, { headers: asAdmin })).body).toEqual(newest)
})

test('a report that cannot be is refused, and nothing of it is kept', async () => {
  await using controller = await startController(postgres())
  const worker = await registerWorker(controller)
  const other = await registerWorker(controller)
  const statusOf = async (body: unknown, headers: Record<string, string> = worker.headers) =>
    (await controller.ask('/api/diagnostics/report', { headers, body })).status
  const report = (changes: Record<string, unknown>) => statusOf(reportOf(worker.id, changes))

  expect(await statusOf(reportOf(worker.id), {})).toBe(401)
  expect(await statusOf(reportOf(worker.id), other.headers)).toBe(403)
  expect(await statusOf(reportOf('nobody'), asAdmin)).toBe(404)
  expect(await report({ status: 'splendid' })).toBe(400)
  expect(await report({ duration_ms: -1 })).toBe(400)
  expect(await report({ checks: 'none' })).toBe(400)
  expect(await report({ checks: Array.from({ length: 201 }, () => ({})) })).toBe(400)
  expect(await report({ checks: [{ message: 'x'.repeat(65_536) }] })).toBe(413)

  const path = `/api/diagnostics/${worker.id}`
  expect((await controller.ask(path, { headers: asAdmin })).body['reports']).toEqual([])
  expect((await controller.ask(`${path}/latest`, { headers: asAdmin })).status).toBe(404)
  expect((await controller.ask(path)).status).toBe(401)
  expect((await controller.ask(`${path}?limit=0`, { headers: asAdmin })).status).toBe(400)
})

test('samples of the processor count for the public sum, and those that cannot be do not', async () => {
  await using controller = await startController(postgres())
  const worker = await registerWorker(controller)
  const { id } = await submit(controller)
  await controller.ask('/api/workers/poll', { headers: worker.headers })
  const sample = async (data: unknown) =>
    await controller.ask(`/api/builds/${id}/telemetry`, {
      headers: worker.headers,
      body: { type: 'cpu_snapshot', timestamp: '2026-01-01T00:00:00Z', data },
    })

  const answers = [
    await sample({ cpu_percent: 100, memory_mb: 2048 }),
    await sample({ cpu_percent: 50, memory_mb: 4096 }),
    await sample({ cpu_percent: 1001, memory_mb: 1 }),
    await sample({ cpu_percent: '99', memory_mb: 1 }),
    await sample({ cpu_percent: 10, memory_mb: -1 }),
    await sample(['none']),
  ]
  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    answers.map(() => [200, { status: 'ok' }]),
  )
  const { rows } = await controller.pool.query(
    'SELECT cpu_samples, cpu_percent_sum::float8 FROM builds.build WHERE id = $1',
    [id],
  )
  expect(rows).toEqual([{ cpu_samples: 2, cpu_percent_sum: 150 }])

  await controller.ask('/api/workers/fail', {
    headers: worker.headers,
    body: { build_id: id, worker_id: worker.id, error: 'xcodebuild ended with 65' },
  })
  const { body } = await controller.ask('/public/stats')
  const sum = body['totalCpuCycles'] / body['totalBuildTimeMs']
  expect(sum).toBeCloseTo(0.75, 1)
})

test('what the queue takes is for administrators', async () => {
  await using controller = await startController(postgres())
  await submit(controller)
  await submit(controller)
  const worker = await registerWorker(controller)
  await controller.ask('/api/workers/poll', { headers: worker.headers })
  const created = await controller.ask('/api/v2/keys', {
    headers: asAdmin,
    body: { name: 'ann', role: 'submitter' },
  })
  const { status, body } = await controller.ask('/api/v2/use', { headers: asAdmin })

  expect(status).toBe(200)
  expect(body).toEqual({
    database_bytes: expect.any(Number),
    oldest_pending_seconds: expect.any(Number),
    untold_events: expect.any(Number),
    log_lines: expect.any(Number),
    claims: { n: 1, p50: expect.any(Number), p99: expect.any(Number) },
    connections: { open: expect.any(Number), idle: expect.any(Number), waiting: 0 },
  })
  expect(created.status).toBe(201)
  const asAnn = { 'x-api-key': created.body['key'] }
  expect((await controller.ask('/api/v2/use', { headers: asAnn })).status).toBe(403)
  expect((await controller.ask('/api/v2/use')).status).toBe(401)
})
