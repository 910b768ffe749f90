import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '@corroport/testing'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { FormData, Pool } from 'undici'

export const apiKey = 'key-of-the-bench-0123456789abcdefghijk'
const enrolment = 'enrolment-of-the-bench-0123456789abcdef'
const main = join(import.meta.dirname, '../../services/build-controller/src/main.ts')

/** A build controller as it is deployed: a process of its own. */
export interface Controller extends AsyncDisposable {
  readonly origin: string
  readonly pid: number
  /** SIGKILL, and its end. */
  kill(): Promise<void>
  /** Starts it again where it was; resolves when it is ready. */
  start(): Promise<void>
}

export async function startController(
  databaseUrl: string,
  storageRoot: string,
  environment: Record<string, string> = {},
): Promise<Controller> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  let child: ChildProcess | undefined
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const start = async (): Promise<void> => {
    // As every service is started: V8 keeps else what it never needs.
    child = spawn(process.execPath, ['--max-semi-space-size=4', '--max-old-space-size=128', main], {
      env: {
        PATH: process.env.PATH,
        MALLOC_ARENA_MAX: '2',
        CONTROLLER_API_KEY: apiKey,
        WORKER_ENROLMENT_TOKEN: enrolment,
        DATABASE_URL: databaseUrl,
        STORAGE_ROOT: storageRoot,
        PORT: String(port),
        METRICS_PORT: String(metricsPort),
        MAX_PENDING_BUILDS: '1000000',
        LOG_LEVEL: 'warn',
        ...environment,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    for (;;) {
      const ready = await fetch(`http://127.0.0.1:${metricsPort}/health/ready`).catch(
        () => undefined,
      )
      if (ready?.ok) return
      if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}`)
      await wait(10)
    }
  }
  await start()
  return {
    origin: `http://127.0.0.1:${port}`,
    get pid() {
      return child?.pid ?? 0
    },
    kill,
    start,
    [Symbol.asyncDispose]: kill,
  }
}

const Registered = Type.Object({ id: Type.String(), access_token: Type.String() })
const Polled = Type.Object({
  job: Type.Union([
    Type.Null(),
    Type.Object({ id: Type.String(), lease_token: Type.String(), source_url: Type.String() }),
  ]),
})
export type Job = NonNullable<Type.Static<typeof Polled>['job']>
const Submitted = Type.Object({ id: Type.String() })

/** Clients of one controller, over connections that stay. */
export interface Clients extends AsyncDisposable {
  registerWorker(name: string): Promise<{ id: string; token: string }>
  /** Waits so many seconds at most. */
  poll(token: string, seconds?: number): Promise<Job | null>
  /** The shortest end of a build: its worker says that it failed. */
  fail(job: Job): Promise<void>
  beat(job: Job): Promise<void>
  log(job: Job, lines: readonly string[]): Promise<void>
  fetchSource(job: Job): Promise<void>
  upload(job: Job, result: Blob): Promise<void>
  submit(source: Blob): Promise<string>
  /** Whatever is asked for; the bytes of the body. */
  get(path: string): Promise<Buffer>
}

export function createClients(origin: string, connections: number): Clients {
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 60_000 })
  const exchange = async (
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body: string | FormData | null = null,
  ): Promise<Buffer> => {
    const answer = await pool.request({ method, path, headers, body })
    const bytes = Buffer.from(await answer.body.arrayBuffer())
    if (answer.statusCode < 300) return bytes
    throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${bytes.toString()}`)
  }
  const asJson = { 'content-type': 'application/json' }
  const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString())
  const formOf = (fields: Record<string, string | Blob>): FormData => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    return form
  }
  return {
    async registerWorker(name) {
      const body = JSON.stringify({ name, capabilities: { platforms: ['ios'] } })
      const headers = { ...asJson, 'x-enrolment-token': enrolment }
      const answer = await exchange('POST', '/api/v2/workers/register', headers, body)
      const { id, access_token: token } = Value.Parse(Registered, parse(answer))
      return { id, token }
    },
    async poll(token, seconds = 0) {
      const path = `/api/v2/workers/poll${seconds === 0 ? '' : `?wait=${seconds}`}`
      return Value.Parse(Polled, parse(await exchange('GET', path, { 'x-worker-token': token })))
        .job
    },
    async fail({ id, lease_token }) {
      const body = JSON.stringify({ build_id: id, error: 'measured' })
      const headers = { ...asJson, 'x-lease-token': lease_token }
      await exchange('POST', '/api/v2/workers/fail', headers, body)
    },
    async beat({ id, lease_token }) {
      await exchange('POST', `/api/v2/builds/${id}/heartbeat`, { 'x-lease-token': lease_token })
    },
    async log({ id, lease_token }, lines) {
      const logs = lines.map((message) => ({ level: 'info', message }))
      const headers = { ...asJson, 'x-lease-token': lease_token }
      await exchange('POST', `/api/v2/builds/${id}/logs`, headers, JSON.stringify({ logs }))
    },
    async fetchSource({ source_url, lease_token }) {
      await exchange('GET', source_url, { 'x-lease-token': lease_token })
    },
    async upload({ id, lease_token }, result) {
      const form = formOf({ build_id: id, success: 'true', result })
      await exchange('POST', '/api/v2/workers/upload', { 'x-lease-token': lease_token }, form)
    },
    async submit(source) {
      const form = formOf({ platform: 'ios', source })
      const answer = await exchange('POST', '/api/v2/builds/submit', { 'x-api-key': apiKey }, form)
      return Value.Parse(Submitted, parse(answer)).id
    },
    get: (path) => exchange('GET', path, { 'x-api-key': apiKey }),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}
