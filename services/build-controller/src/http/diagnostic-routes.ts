import { Type } from 'typebox'
import { Refusal } from '../refusal.ts'
import { listDiagnoses, storeDiagnosis } from '../store/diagnoses.ts'
import { readUse } from '../store/use.ts'
import { findWorker } from '../store/workers.ts'
import type { App, AppDeps } from './app.ts'
import { Id } from './ids.ts'

const Report = Type.Object({
  worker_id: Id,
  status: Type.Enum(['healthy', 'warning', 'critical']),
  duration_ms: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
  auto_fixed: Type.Optional(Type.Boolean()),
  checks: Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 200 }),
})
const OfWorker = Type.Object({ worker_id: Id })
const LastQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
})
const usualLimit = 10
const checksBytes = 65_536

/** What the doctor of a worker found, and how the database of this controller does. */
export function diagnosticRoutes(app: App, { pool, access, may, metrics }: AppDeps): void {
  const path = '/api/diagnostics'
  app.post(`${path}/report`, { ...may.reporting, schema: { body: Report } }, async (request) => {
    const { worker_id: workerId, checks, ...report } = request.body
    if (access.holder(request)?.workerHash) {
      const worker = await access.worker(request)
      if (worker.id !== workerId) throw new Refusal(403, 'this is the token of another worker')
    } else await access.admin(request)
    if (JSON.stringify(checks).length > checksBytes) {
      throw new Refusal(413, `checks have more than ${checksBytes} bytes`)
    }
    if (!(await findWorker(pool, workerId))) throw new Refusal(404, 'Worker not found')
    const id = await storeDiagnosis(pool, {
      workerId,
      status: report.status,
      durationMs: report.duration_ms,
      autoFixed: report.auto_fixed ?? false,
      checks,
    })
    return { id, status: 'stored' }
  })

  app.get(
    '/api/diagnostics/:worker_id',
    { ...may.key, schema: { params: OfWorker, querystring: LastQuery } },
    async ({ params, query: { limit = usualLimit } }) => ({
      worker_id: params.worker_id,
      reports: (await listDiagnoses(pool, params.worker_id, limit)).map(toReport),
    }),
  )

  app.get(
    '/api/diagnostics/:worker_id/latest',
    { ...may.key, schema: { params: OfWorker } },
    async ({ params }) => {
      const [latest] = await listDiagnoses(pool, params.worker_id, 1)
      if (!latest) throw new Refusal(404, 'No diagnostic reports found for this worker')
      return toReport(latest)
    },
  )

  app.get('/api/v2/use', may.admin, async () => ({
    ...(await readUse(pool)),
    claims: metrics.lastClaims(),
    connections: { open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
  }))
}

function toReport({
  id,
  worker_id,
  status,
  duration_ms,
  auto_fixed,
  checks,
  run_at,
}: Awaited<ReturnType<typeof listDiagnoses>>[number]) {
  return { id, worker_id, status, run_at: run_at.getTime(), duration_ms, auto_fixed, checks }
}
