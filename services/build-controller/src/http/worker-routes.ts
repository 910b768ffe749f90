import { oneLine } from '@corroport/contracts'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { receiveForm } from '../files/receive-form.ts'
import { Refusal } from '../refusal.ts'
import { findBuild } from '../store/builds.ts'
import { beat, type Claim, claim, type Finish, type Holder, heldBy } from '../store/queue.ts'
import {
  findWorker,
  findWorkerByToken,
  listWorkers,
  register,
  setWorkerState,
  type Worker,
} from '../store/workers.ts'
import { createId, createToken, hashOf } from '../tokens.ts'
import type { App, AppDeps } from './app.ts'
import { Id, isId, WithId } from './ids.ts'
import { reportResult } from './report-result.ts'
import { toUptime } from './shapes.ts'
import { readLabels } from './submit.ts'

const Registration = Type.Object({
  id: Type.Optional(Id),
  name: Type.Optional(Type.String({ maxLength: 128, pattern: oneLine })),
  capabilities: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  active_build_count: Type.Optional(Type.Integer({ minimum: 0 })),
})
const PollQuery = Type.Object({
  worker_id: Type.Optional(Id),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 50, description: 'seconds' })),
})
const Failure = Type.Object({
  build_id: Id,
  error: Type.Optional(Type.String({ maxLength: 8192 })),
  error_message: Type.Optional(Type.String({ maxLength: 8192 })),
})
const Abandonment = Type.Object({
  build_id: Id,
  reason: Type.Optional(Type.String({ maxLength: 8192 })),
})

// A waiting poll looks for itself now and then, should nobody wake it.
const lookEveryMs = 2000
const capabilityBytes = 16_384

/** What the workers say. */
export function workerRoutes(app: App, prefix: string, deps: AppDeps): void {
  const { config, pool, storage, access, may, waitingRoom, metrics } = deps

  app.post(
    `${prefix}/workers/register`,
    { ...may.enrolled, schema: { body: Registration } },
    async (request) => {
      const { id: wanted, name, capabilities = {}, active_build_count: active } = request.body
      const own = await access.enrolled(request)
      if (JSON.stringify(capabilities).length > capabilityBytes) {
        throw new Refusal(413, `capabilities have more than ${capabilityBytes} bytes`)
      }
      const mayTake = access.hasKey(request)
      const known = own ?? (wanted === undefined ? undefined : await findWorker(pool, wanted))
      // Knowing an id is no proof of being its worker: who has none becomes another worker.
      const isSame = known !== undefined && (own !== undefined || mayTake)
      const id = isSame ? known.id : known ? createId() : (wanted ?? createId())
      if (isSame && active === 0) await giveBack(id, 'the worker began anew', true)
      const token = createToken()
      await register(pool, {
        id,
        name: name ?? known?.name ?? `worker ${id.slice(0, 6)}`,
        platforms: readPlatforms(capabilities['platforms']),
        labels: readLabels(listOf(capabilities['labels']).join(',')),
        capabilities,
        tokenHash: hashOf(token),
      })
      return {
        id,
        status: isSame ? 're-registered' : 'registered',
        access_token: token,
        message: isSame ? 'Worker re-registered successfully' : 'Worker registered successfully',
        ...(config.baseImageId !== undefined && { baseImageId: config.baseImageId }),
      }
    },
  )

  app.get(
    `${prefix}/workers/poll`,
    { ...may.polling, schema: { querystring: PollQuery } },
    async (request) => {
      const { worker_id: id, wait: seconds = 0 } = request.query
      const token = request.headers['x-worker-token']
      let worker: { tokenHash: Buffer } | { id: string }
      if (typeof token === 'string') worker = { tokenHash: hashOf(token) }
      else {
        if (!access.hasKey(request)) {
          throw new Refusal(
            401,
            'Authentication required: provide X-Worker-Token or (X-API-Key + worker_id)',
          )
        }
        await access.admin(request)
        if (id === undefined) throw new Refusal(400, 'worker_id required')
        worker = { id }
      }
      const gone = new AbortController()
      request.raw.on('close', () => gone.abort())
      const until = performance.now() + seconds * 1000
      for (;;) {
        const lease = createToken()
        const otp = createToken()
        const startedAt = performance.now()
        const found = await claim(pool, worker, {
          leaseHash: hashOf(lease),
          otpHash: hashOf(otp),
          leaseSeconds: config.firstLeaseSeconds,
        })
        metrics.claimed(found.outcome, performance.now() - startedAt)
        if (found.outcome === 'unknown-worker') {
          if ('id' in worker) throw new Refusal(404, 'Worker not found')
          throw new Refusal(401, 'Unknown worker token: register again')
        }
        const access_token = typeof token === 'string' ? { access_token: token } : {}
        if (found.build_id !== null) {
          return { job: toJob(found, found.build_id, lease, otp), ...access_token }
        }
        const left = until - performance.now()
        if (
          left <= 0 ||
          gone.signal.aborted ||
          deps.stopping.aborted ||
          found.outcome === 'draining'
        ) {
          return {
            job: null,
            ...access_token,
            ...(found.outcome === 'draining' && { drain: true }),
          }
        }
        const patience = Math.min(left, lookEveryMs * (0.75 + Math.random() / 2))
        const signals = [gone.signal, deps.stopping]
        await waitingRoom.wait(found.platforms ?? [], patience, AbortSignal.any(signals))
      }
    },
  )
  function toJob(found: Claim, id: string, lease: string, otp: string) {
    return {
      id,
      platform: found.platform,
      source_url: `${prefix}/builds/${id}/source`,
      ...(found.has_certs === true && { certs_url: `${prefix}/builds/${id}/certs` }),
      otp,
      submitted_at: found.submitted_at?.toISOString(),
      ...(config.baseImageId !== undefined && { baseImageId: config.baseImageId }),
      attempt: found.attempt,
      lease_token: lease,
      lease_seconds: config.firstLeaseSeconds,
    }
  }

  for (const path of ['/workers/upload', '/workers/result']) {
    app.post(`${prefix}${path}`, may.uploading, async (request) => {
      const shown = access.holder(request)
      const holderIn = (fields: ReadonlyMap<string, string>): Holder =>
        shown ?? { workerId: required(fields, 'worker_id') }
      await using form = await receiveForm(
        request.raw,
        storage,
        { result: { maxBytes: config.maxResultBytes } },
        (fields) => mayReport(required(fields, 'build_id'), holderIn(fields)),
      )
      const { fields, files } = form
      const buildId = required(fields, 'build_id')
      // Left out it means success, as it did.
      const isSuccess = fields.get('success') !== 'false'
      const { status } = await reportResult(deps, buildId, holderIn(fields), {
        status: isSuccess ? 'completed' : 'failed',
        reason: isSuccess ? undefined : readReason(fields.get('error_message')),
        artifact: isSuccess ? files.result : undefined,
      })
      return toReported(status)
    })
  }

  /** Before a gigabyte is received of whoever may not send it. */
  async function mayReport(buildId: string, holder: Holder): Promise<void> {
    const build = await findBuild(pool, buildId)
    if (!build) throw new Refusal(404, 'Build not found')
    const worker = holder.workerHash && (await findWorkerByToken(pool, holder.workerHash))
    if (holder.workerHash && !worker) {
      throw new Refusal(401, 'Unknown worker token: register again')
    }
    const workerId = worker?.id ?? holder.workerId
    const isHeld =
      (workerId === undefined || build.worker_id === workerId) &&
      (holder.leaseHash === undefined || build.lease_hash?.equals(holder.leaseHash) === true)
    if (!isHeld) throw new Refusal(409, 'lease lost: the build is not held by this worker')
  }

  app.post(
    `${prefix}/workers/fail`,
    { ...may.reporting, schema: { body: Failure } },
    async (request) => {
      const { build_id: buildId, error, error_message: message } = request.body
      const { status } = await reportResult(deps, buildId, await holderOf(request, buildId), {
        status: 'failed',
        reason: readReason(error ?? message),
      })
      return toReported(status)
    },
  )

  app.post(
    `${prefix}/workers/heartbeat`,
    { ...may.reporting, schema: { body: Failure } },
    async (request) => {
      const { build_id: buildId } = request.body
      const { leaseHash, workerHash, workerId } = await holderOf(request, buildId)
      const worker = workerHash && (await findWorkerByToken(pool, workerHash))
      const holder = { leaseHash, workerId: worker?.id ?? workerId }
      const { outcome, status, expires_at } = await beat(pool, buildId, holder, config.leaseSeconds)
      if (outcome === 'unknown') throw new Refusal(404, 'Build not found')
      if (outcome !== 'held') throw new Refusal(409, 'lease lost', { cancel: true, status })
      return { success: true, cancel: false, lease_expires_at: expires_at?.toISOString() }
    },
  )

  app.post(
    `${prefix}/workers/abandon`,
    { ...may.worker, schema: { body: Abandonment } },
    async (request) => {
      const worker = await access.worker(request)
      const { build_id: buildId, reason } = request.body
      const held = await heldBy(pool, worker.id)
      if (held?.id !== buildId) throw new Refusal(409, 'the build is not held by this worker')
      await giveBack(worker.id, reason === undefined ? 'abandoned' : readReason(reason), true)
      return { success: true, message: 'Build requeued successfully' }
    },
  )

  for (const path of ['/workers/unregister', '/workers/:id/unregister']) {
    app.post(
      `${prefix}${path}`,
      { ...may.worker, schema: { params: Type.Object({ id: Type.Optional(Id) }) } },
      async (request) => {
        const worker = await access.worker(request)
        const { id = worker.id } = request.params
        if (id !== worker.id) throw new Refusal(403, 'this is the token of another worker')
        const reassigned = await giveBack(worker.id, 'the worker left', false)
        await setWorkerState(pool, worker.id, 'left')
        return {
          success: true,
          message: 'Worker unregistered successfully',
          builds_reassigned: reassigned,
        }
      },
    )
  }

  app.get(
    `${prefix}/workers/:id/stats`,
    { ...may.key, schema: { params: WithId } },
    async (request) => {
      const worker = await findWorker(pool, request.params.id)
      if (!worker) throw new Refusal(404, 'Worker not found')
      const { builds_completed: completed, builds_failed: failed } = worker
      return {
        totalBuilds: completed + failed,
        successfulBuilds: completed,
        failedBuilds: failed,
        workerName: worker.name,
        status: worker.status,
        uptime: toUptime((Date.now() - worker.registered_at.getTime()) / 1000),
      }
    },
  )

  app.get(`${prefix}/workers`, may.admin, async () => {
    const workers = await listWorkers(pool, 1000)
    return { workers: workers.map(toWorker) }
  })

  for (const [path, state] of [
    ['drain', 'draining'],
    ['resume', 'here'],
  ] as const) {
    app.post(
      `${prefix}/workers/:id/${path}`,
      { ...may.admin, schema: { params: WithId } },
      async (request) => {
        const isKnown = await setWorkerState(pool, request.params.id, state)
        if (!isKnown) throw new Refusal(404, 'Worker not found')
        return { success: true, state }
      },
    )
  }

  /** By what it shows; by the key of an administrator for whoever holds the build. */
  async function holderOf(request: FastifyRequest, buildId: string): Promise<Holder> {
    const shown = access.holder(request)
    if (shown) return shown
    await access.admin(request)
    const build = await findBuild(pool, buildId)
    if (!build) throw new Refusal(404, 'Build not found')
    return { workerId: build.worker_id ?? undefined }
  }

  /** How many builds it gave back. */
  async function giveBack(workerId: string, reason: string, counts: boolean): Promise<number> {
    const held = await heldBy(pool, workerId)
    if (!held) return 0
    const loss = {
      attempt: held.attempt,
      beat: null,
      failure: 'abandoned',
      reason,
      counts,
    } as const
    const { outcome } = await deps.leases.takeBack(held, loss)
    return outcome === 'not-held' ? 0 : 1
  }
}

const platforms = ['ios', 'android']

/** Who does not say what it builds builds everything, as with the original. */
function readPlatforms(given: unknown): string[] {
  if (given === undefined) return platforms
  const known = listOf(given).filter((each) => platforms.includes(each))
  if (known.length === 0) {
    throw new Refusal(400, "capabilities.platforms holds 'ios', 'android' or both")
  }
  return [...new Set(known)]
}

function listOf(given: unknown): string[] {
  return Array.isArray(given) ? given.filter((each) => typeof each === 'string') : []
}

/** An id among the fields. */
function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name)
  if (value === undefined || value === '') {
    throw new Refusal(400, `${name} required, before any file`)
  }
  if (!isId.test(value)) throw new Refusal(404, `${name} is no id`)
  return value
}

function readReason(given: string | undefined): string {
  const text = (given ?? '').toWellFormed().replaceAll('\0', '').trim().slice(0, 8192)
  return text === '' ? 'Build failed' : text
}

function toReported(status: Finish['status']) {
  const isCompleted = status === 'completed'
  return {
    success: true,
    status: isCompleted ? 'success' : 'failed',
    message: isCompleted ? 'Result uploaded successfully' : 'Build marked as failed',
  }
}

/** One of `GET /workers`. */
function toWorker(worker: Worker) {
  return {
    id: worker.id,
    name: worker.name,
    status: worker.status,
    platforms: worker.platforms,
    labels: worker.labels,
    build_id: worker.build_id,
    builds_completed: worker.builds_completed,
    builds_failed: worker.builds_failed,
    registered_at: worker.registered_at.toISOString(),
    last_seen_at: worker.seen_at.toISOString(),
  }
}
