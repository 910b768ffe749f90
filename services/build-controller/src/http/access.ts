import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Pool } from 'pg'
import { Refusal } from '../refusal.ts'
import { type Build, findBuild } from '../store/builds.ts'
import { findKey } from '../store/keys.ts'
import type { Holder } from '../store/queue.ts'
import { findWorkerByToken, type Worker } from '../store/workers.ts'
import { hashOf, isSameHash } from '../tokens.ts'

/** Whose key it is: `controller` for the one of the settings. */
export interface KeyOwner {
  id: string
  /** For people. */
  name: string
  role: 'admin' | 'submitter'
}

export interface Access {
  /** Throws 401 without a key and 403 with a wrong one. */
  key: (request: FastifyRequest) => Promise<KeyOwner>
  admin: (request: FastifyRequest) => Promise<KeyOwner>
  /** The build, for its token, the key that submitted it, or an administrator. */
  build: (request: FastifyRequest, id?: string) => Promise<Build>
  /** The build, for the virtual machine that it runs in. */
  vm: (request: FastifyRequest, id?: string) => Promise<Build>
  worker: (request: FastifyRequest) => Promise<Worker>
  /** The build, for whoever holds it or held it last: by its lease, its machine or its worker. */
  held: (request: FastifyRequest, id?: string) => Promise<Build>
  /** The same, and for the token that a worker is given for signs of life only. */
  alive: (request: FastifyRequest, id?: string) => Promise<{ build: Build; holder: Holder }>
  heartbeatToken: (build: Build) => string
  /** Throws unless it may become a worker: by enrolment, or because it is one. */
  enrolled: (request: FastifyRequest) => Promise<Worker | undefined>
  /** What it shows to hold a build with; undefined where it shows nothing of the kind. */
  holder: (request: FastifyRequest) => Holder | undefined
  hasKey: (request: FastifyRequest) => boolean
}

export interface AccessOptions {
  pool: Pool
  apiKeyHash: Buffer
  enrolmentHash: Buffer | undefined
  acceptUnenrolled: boolean
  /** Secret. */
  certificatesKey: Buffer
}

/** Who may do what, by what a request shows. Asks nothing of its body, and is asked before it is read. */
export function createAccess(options: AccessOptions): Access {
  const { pool, apiKeyHash, enrolmentHash, acceptUnenrolled, certificatesKey } = options

  const keyOf = async (request: FastifyRequest): Promise<KeyOwner | undefined> => {
    const given = keyIn(request.headers)
    if (given === undefined) return undefined
    const hash = hashOf(given)
    if (isSameHash(hash, apiKeyHash)) return { id: 'controller', name: 'controller', role: 'admin' }
    const found = await findKey(pool, hash)
    if (!found) throw new Refusal(403, 'Invalid API key')
    return { id: found.id, name: found.name, role: found.role }
  }
  const requireKey = async (request: FastifyRequest): Promise<KeyOwner> => {
    const owner = await keyOf(request)
    if (!owner) throw new Refusal(401, 'Missing X-API-Key header')
    return owner
  }

  const key = oncePerRequest(requireKey)
  const admin = async (request: FastifyRequest): Promise<KeyOwner> => {
    const owner = await key(request)
    if (owner.role !== 'admin') throw new Refusal(403, 'this needs the key of an administrator')
    return owner
  }
  const known = async (id: string): Promise<Build> => {
    const found = await findBuild(pool, id)
    if (!found) throw new Refusal(404, 'Build not found')
    return found
  }
  const vm = oncePerRequest(async (request, id) => {
    const token = header(request, 'x-vm-token')
    if (token === undefined) throw new Refusal(401, 'Missing X-VM-Token header')
    const found = await known(id)
    const hash = found.vm_token_hash
    if (hash && isSameHash(hashOf(token), hash)) return found
    throw new Refusal(403, 'Invalid or expired VM token')
  })
  const worker = oncePerRequest(async (request) => {
    const token = header(request, 'x-worker-token')
    if (token === undefined) throw new Refusal(401, 'Missing X-Worker-Token header')
    const found = await findWorkerByToken(pool, hashOf(token))
    if (!found) throw new Refusal(401, 'Unknown worker token: register again')
    return found
  })
  const held = oncePerRequest(async (request, id) => {
    const shown = holderIn(request)
    if (!shown) {
      if (keyIn(request.headers) === undefined) {
        throw new Refusal(401, 'Missing X-VM-Token, X-Lease-Token or X-Worker-Token header')
      }
      await admin(request)
      return known(id)
    }
    if (shown.vmHash) return vm(request, id)
    if (shown.leaseHash) {
      const found = await known(id)
      if (found.lease_hash && isSameHash(found.lease_hash, shown.leaseHash)) return found
      throw new Refusal(409, 'lease lost', { cancel: true })
    }
    const { id: workerId } = await worker(request)
    const found = await known(id)
    if (found.worker_id === workerId) return found
    throw new Refusal(403, 'Build not assigned to this worker')
  })
  const heartbeatToken = (build: Build): string => {
    const about = `heartbeat ${build.id} ${build.attempt}`
    return createHmac('sha256', certificatesKey).update(about).digest('base64url')
  }

  return {
    key,
    admin,
    vm,
    worker,
    held,
    heartbeatToken,

    alive: oncePerRequest(async (request, id) => {
      const { leaseHash, vmHash } = holderIn(request) ?? {}
      const build = vmHash && (await findBuild(pool, id))
      if (vmHash && build && build.worker_id !== null) {
        const isOfWorker = isSameHash(hashOf(heartbeatToken(build)), vmHash)
        if (isOfWorker) return { build, holder: { workerId: build.worker_id } }
      }
      const found = await held(request, id)
      return { build: found, holder: { leaseHash, vmHash, workerId: found.worker_id ?? undefined } }
    }),

    build: oncePerRequest(async (request, id) => {
      const token = header(request, 'x-build-token')
      if (token === undefined) {
        const owner = await keyOf(request)
        if (!owner) throw new Refusal(401, 'Missing X-Build-Token or X-API-Key header')
        const found = await findBuild(pool, id)
        const isTheirs = found && (owner.role === 'admin' || found.owner === owner.id)
        if (!isTheirs) throw new Refusal(404, 'Build not found')
        return found
      }
      const found = await findBuild(pool, id)
      if (!found) throw new Refusal(404, 'Build not found')
      if (isSameHash(hashOf(token), found.token_hash)) return found
      throw new Refusal(403, 'Invalid build token')
    }),

    enrolled: oncePerRequest(async (request) => {
      if (header(request, 'x-worker-token') !== undefined) return worker(request)
      if (acceptUnenrolled) return undefined
      const token = header(request, 'x-enrolment-token')
      if (token !== undefined) {
        if (enrolmentHash && isSameHash(hashOf(token), enrolmentHash)) return undefined
        throw new Refusal(403, 'Invalid enrolment token')
      }
      if (keyIn(request.headers) === undefined) {
        throw new Refusal(401, 'Missing X-Enrolment-Token header')
      }
      await admin(request)
      return undefined
    }),

    holder: holderIn,
    hasKey: (request) => keyIn(request.headers) !== undefined,
  }
}

function holderIn(request: FastifyRequest): Holder | undefined {
  const lease = header(request, 'x-lease-token')
  const vm = header(request, 'x-vm-token')
  const worker = header(request, 'x-worker-token')
  if (lease === undefined && vm === undefined && worker === undefined) return undefined
  return {
    leaseHash: lease === undefined ? undefined : hashOf(lease),
    vmHash: vm === undefined ? undefined : hashOf(vm),
    workerHash: worker === undefined ? undefined : hashOf(worker),
  }
}

/**
 * What a request shows is looked up before its body is read, by a hook, and wanted again by whoever
 * answers it. A path names one build at most.
 */
export function oncePerRequest<Found>(
  look: (request: FastifyRequest, id: string) => Promise<Found>,
): (request: FastifyRequest, id?: string) => Promise<Found> {
  const known = new WeakMap<FastifyRequest, Promise<Found>>()
  return (request, id = '') => {
    const found = known.get(request) ?? look(request, id)
    known.set(request, found)
    return found
  }
}

function keyIn(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-api-key']
  if (typeof given === 'string') return given
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
}

function header(request: FastifyRequest, name: string): string | undefined {
  const given = request.headers[name]
  return typeof given === 'string' && given !== '' ? given : undefined
}
