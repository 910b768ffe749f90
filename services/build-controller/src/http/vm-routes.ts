import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { decrypt, readBundle } from '../files/certificates.ts'
import { receiveForm } from '../files/receive-form.ts'
import { sendFile } from '../files/send-file.ts'
import { Refusal } from '../refusal.ts'
import { addSample, type Build, findBuild, noteVmReady } from '../store/builds.ts'
import { appendLog, type LogLevel, logLevels } from '../store/logs.ts'
import { authenticateVm, beat } from '../store/queue.ts'
import { createToken, hashOf } from '../tokens.ts'
import type { App, AppDeps } from './app.ts'
import { WithId } from './ids.ts'
import { reportResult } from './report-result.ts'
import { sourceOf } from './submitter-routes.ts'

const HeartbeatQuery = Type.Object({ worker_id: Type.Optional(Type.String({ maxLength: 128 })) })
const maxMessage = 8192
const maxBatch = 1000

/** What the virtual machine of a build and its worker say and fetch while it runs. */
export function vmRoutes(app: App, prefix: string, deps: AppDeps): void {
  const { config, pool, storage, access, may, liveLogs } = deps

  app.post(
    `${prefix}/builds/:id/authenticate`,
    { ...may.anyone, bodyLimit: 4096, schema: { params: WithId } },
    async (request) => {
      const otp = textIn(request.body, 'otp')
      if (otp === undefined) throw new Refusal(400, 'Missing required parameter: otp')
      const token = createToken()
      const outcome = await authenticateVm(pool, request.params.id, hashOf(otp), hashOf(token))
      if (outcome === 'unknown') throw new Refusal(404, 'Build not found')
      if (outcome === 'none') throw new Refusal(401, 'No OTP configured for this build')
      if (outcome === 'wrong') throw new Refusal(401, 'Invalid OTP')
      // As long as the lease is held; this is the longest that it can be.
      const expiresAt = new Date(Date.now() + config.limitMinutes * 60_000)
      return { vm_token: token, expires_at: expiresAt.toISOString() }
    },
  )

  app.post(
    `${prefix}/builds/:id/vm-ready`,
    { ...may.vm, schema: { params: WithId } },
    async (request) => {
      const build = await access.vm(request)
      const at = build.vm_token_hash && (await noteVmReady(pool, build.id, build.vm_token_hash))
      if (!at) throw new Refusal(409, 'the build has ended')
      return { success: true, vm_ready_at: at.toISOString() }
    },
  )

  app.get(
    `${prefix}/builds/:id/vm-status`,
    { ...may.watching, schema: { params: WithId } },
    async (request) => {
      const build = whileHeld(await find(request.params.id))
      if (!build.vm_ready_at) return { vm_ready: false }
      // The worker sends it back with its heartbeats. It is not the one of the machine.
      const token = access.heartbeatToken(build)
      return { vm_ready: true, vm_token: token, vm_ready_at: build.vm_ready_at.toISOString() }
    },
  )

  app.post(
    `${prefix}/builds/:id/heartbeat`,
    { ...may.alive, schema: { params: WithId, querystring: HeartbeatQuery } },
    async (request) => {
      const { id } = request.params
      const found = await signOfLife(request, id, request.query.worker_id)
      const progress = textIn(request.body, 'progress')
      if (progress !== undefined) await log(id, [{ level: 'info', message: progress }])
      return found
    },
  )

  app.post(
    `${prefix}/builds/:id/telemetry`,
    { ...may.alive, schema: { params: WithId } },
    async (request) => {
      const { id } = request.params
      const body = objectOf(request.body)
      const type = textIn(body, 'type')
      if (type === undefined || body['timestamp'] === undefined || body['data'] === undefined) {
        throw new Refusal(400, 'Invalid telemetry data')
      }
      const answer = await signOfLife(request, id, undefined)
      if (type === 'cpu_snapshot') {
        // One that cannot be is left out, as it always was.
        const sample = toSample(body['data'])
        if (sample) await addSample(pool, id, sample)
        return { status: answer.status }
      }
      const message = `telemetry ${type.slice(0, 64)} ${JSON.stringify(body['data']).slice(0, 1024)}`
      await log(id, [{ level: 'info', message }])
      return { status: answer.status }
    },
  )

  app.post(
    `${prefix}/builds/:id/logs`,
    { ...may.held, schema: { params: WithId } },
    async (request) => {
      const { id } = request.params
      const body = objectOf(request.body)
      if (Array.isArray(body['logs'])) {
        if (body['logs'].length > maxBatch) throw new Refusal(413, `more than ${maxBatch} lines`)
        // What does not fit is left out, as it always was.
        const lines = body['logs'].flatMap((entry: unknown) => toLine(entry) ?? [])
        const count = await log(id, lines)
        return { success: true, count }
      }
      const line = toLine(body)
      if (!line) {
        throw new Refusal(
          400,
          typeof body['message'] === 'string'
            ? 'Invalid log level. Must be: info, warn, or error'
            : 'Invalid body. Expected {level, message} or {logs: [...]}',
        )
      }
      await log(id, [line])
      return { success: true }
    },
  )

  app.get(
    `${prefix}/builds/:id/source`,
    { ...may.held, schema: { params: WithId } },
    async (request, reply) =>
      sendFile(request, reply, storage, sourceOf(whileHeld(await access.held(request)))),
  )

  app.get(
    `${prefix}/builds/:id/certs`,
    { ...may.vm, schema: { params: WithId } },
    async (request, reply) => {
      const bundle = await readCerts(await access.vm(request))
      reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${request.params.id}-certs.zip"`)
      return reply.send(bundle)
    },
  )

  app.get(
    `${prefix}/builds/:id/certs-secure`,
    { ...may.vm, schema: { params: WithId } },
    async (request) => {
      const bundle = await readCerts(await access.vm(request))
      const { p12, password, profiles } = await readBundle(bundle)
      return {
        p12: p12.toString('base64'),
        p12Password: password,
        keychainPassword: randomBytes(24).toString('base64'),
        provisioningProfiles: profiles.map((profile) => profile.toString('base64')),
      }
    },
  )

  app.post(
    `${prefix}/builds/:id/artifact`,
    { ...may.vm, schema: { params: WithId } },
    async (request) => {
      const build = await access.vm(request)
      await using form = await receiveForm(request.raw, storage, {
        artifact: { maxBytes: config.maxResultBytes },
      })
      const { artifact } = form.files
      if (!artifact) throw new Refusal(400, 'No artifact file provided')
      const holder = { vmHash: build.vm_token_hash ?? undefined }
      await reportResult(deps, build.id, holder, { status: 'completed', artifact })
      return { success: true }
    },
  )

  const log = async (
    id: string,
    lines: readonly { level: LogLevel; message: string }[],
  ): Promise<number> => {
    if (lines.length === 0) return 0
    const kept = await appendLog(pool, id, lines)
    liveLogs.wake(id)
    return kept
  }

  async function find(id: string): Promise<Build> {
    const build = await findBuild(pool, id)
    if (!build) throw new Refusal(404, 'Build not found')
    return build
  }

  /** Throws where the build is not held any more: the original worker stops at any failure. */
  async function signOfLife(request: FastifyRequest, id: string, workerId: string | undefined) {
    const { build, holder } = await access.alive(request)
    if (workerId !== undefined && build.worker_id !== workerId) {
      throw new Refusal(403, 'Build not assigned to this worker')
    }
    const heard = await beat(pool, id, holder, config.leaseSeconds)
    const timestamp = Date.now()
    if (heard.outcome === 'held') {
      return {
        status: 'ok',
        timestamp,
        lease_expires_at: heard.expires_at?.toISOString() ?? null,
        cancel: false,
      }
    }
    const isCancelled = heard.outcome === 'ended' && heard.status === 'cancelled'
    // Who has a lease understands this; others understand only that they failed.
    if (isCancelled && holder.leaseHash) return { status: 'cancelled', timestamp, cancel: true }
    throw new Refusal(409, isCancelled ? 'Build was cancelled' : 'lease lost', { cancel: true })
  }

  async function readCerts(build: Build): Promise<Buffer> {
    if (build.status !== 'assigned' && build.status !== 'building') {
      throw new Refusal(409, 'the build has ended')
    }
    if (build.certs_name === null) throw new Refusal(404, 'Certs not found')
    const handle = await storage.open(build.id, build.certs_name)
    try {
      return decrypt(config.certificatesKey, await handle.readFile())
    } finally {
      await handle.close()
    }
  }
}

function whileHeld(build: Build): Build {
  if (build.status === 'assigned' || build.status === 'building') return build
  throw new Refusal(409, 'the build has ended', { cancel: build.status === 'cancelled' })
}

function objectOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {}
}

function textIn(body: unknown, name: string): string | undefined {
  const value = objectOf(body)[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function toLine(entry: unknown): { level: LogLevel; message: string } | undefined {
  const { level, message } = objectOf(entry)
  const known = logLevels.find((each) => each === level)
  if (!known || typeof message !== 'string') return undefined
  // Postgres keeps no NUL, nor half of a surrogate pair.
  return { level: known, message: message.toWellFormed().replaceAll('\0', '').slice(0, maxMessage) }
}

/** Undefined where no machine takes so much. */
function toSample(data: unknown): { cpuPercent: number; memoryMb: number } | undefined {
  const { cpu_percent: cpuPercent, memory_mb: memoryMb } = objectOf(data)
  const isWithin = (value: unknown, most: number): value is number =>
    typeof value === 'number' && value >= 0 && value <= most
  return isWithin(cpuPercent, 1000) && isWithin(memoryMb, 1_000_000)
    ? { cpuPercent, memoryMb }
    : undefined
}
