import type { Bus } from '@corroport/bus'
import { createHealth, createMetrics } from '@corroport/service'
import { createTemporaryFolder, freePort, type Postgres, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll } from '@jest/globals'
import { Client, Pool } from 'pg'
import pino from 'pino'
import { readConfig } from '../src/config.ts'
import { startBuildController } from '../src/service.ts'
import { openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'

export const quiet = pino({ level: 'error' })
export const apiKey = 'admin-key-of-the-tests-0123456789abcdef'
export const enrolment = 'enrolment-of-the-tests-0123456789abcdef'

let databases = 0

/** A database of its own on that server, with our tables; a connection to it for the test. */
export async function createDatabase(postgres: Postgres) {
  const name = `test_${++databases}`
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(postgres.url)
  url.pathname = name
  const opened = openDatabase({ url: url.href, log: quiet, name: 'test' })
  await migrate(opened.db)
  return Object.assign(opened, { url: url.href })
}

/** One Postgres for all tests of a file. */
export function startPostgresOfFile(): () => Postgres {
  let postgres: Postgres | undefined
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]()
  })
  return () => {
    if (!postgres) throw new Error('postgres is not started before the first test')
    return postgres
  }
}

export type Controller = Awaited<ReturnType<typeof startController>>

/** A controller in this process, on a database and a folder of its own unless told otherwise. */
export async function startController(
  postgres: Postgres,
  environment: Record<string, string> = {},
  shared: { databaseUrl?: string; storageRoot?: string; bus?: Bus } = {},
) {
  await using starting = new AsyncDisposableStack()
  const databaseUrl = shared.databaseUrl ?? starting.use(await createDatabase(postgres)).url
  const storageRoot = shared.storageRoot ?? starting.use(createTemporaryFolder()).path
  const pool = new Pool({ connectionString: databaseUrl, max: 4 })
  starting.defer(() => pool.end())
  const config = readConfig({
    CONTROLLER_API_KEY: apiKey,
    WORKER_ENROLMENT_TOKEN: enrolment,
    DATABASE_URL: databaseUrl,
    STORAGE_ROOT: storageRoot,
    PORT: String(await freePort()),
    METRICS_PORT: '1',
    ...environment,
  })
  const health = createHealth('build-controller')
  const { port } = starting.use(
    await startBuildController(config, {
      bus: shared.bus,
      log: quiet,
      health,
      registry: createMetrics(),
    }),
  )
  const origin = `http://127.0.0.1:${port}`
  const all = starting.move()
  return Object.assign(all, {
    origin,
    pool,
    databaseUrl,
    storageRoot,
    health,
    /** Its status and its body, parsed where it is JSON. */
    async ask(path: string, options: AskOptions = {}) {
      const { method = options.body === undefined && !options.form ? 'GET' : 'POST' } = options
      const response = await fetch(`${origin}${path}`, {
        method,
        headers: {
          ...(options.body !== undefined && { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
        ...(options.form && { body: options.form }),
      })
      const bytes = Buffer.from(await response.arrayBuffer())
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
      return {
        status: response.status,
        headers: response.headers,
        bytes,
        // oxlint-disable-next-line typescript/no-explicit-any -- each test says what it expects of it
        body: isJson ? (JSON.parse(bytes.toString()) as Record<string, any>) : {},
      }
    },
  })
}

interface AskOptions {
  method?: string
  headers?: Record<string, string>
  body?: unknown
  form?: FormData
}

export const asAdmin = { 'x-api-key': apiKey }

export function toForm(parts: Record<string, string | Blob>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) form.append(name, value)
  return form
}

/** Submits a small build; its id and token. */
export async function submit(
  controller: Controller,
  parts: Record<string, string | Blob> = {},
  headers: Record<string, string> = asAdmin,
): Promise<{ id: string; token: string }> {
  const form = toForm({ platform: 'ios', source: new Blob(['PK of a source']), ...parts })
  const { status, body } = await controller.ask('/api/builds/submit', { headers, form })
  if (status !== 201) throw new Error(`submit was answered ${status}: ${JSON.stringify(body)}`)
  return { id: body['id'], token: body['access_token'] }
}

export async function registerWorker(
  controller: Controller,
  capabilities: Record<string, unknown> = { platforms: ['ios'] },
): Promise<{ id: string; token: string; headers: { 'x-worker-token': string } }> {
  const { status, body } = await controller.ask('/api/workers/register', {
    headers: { 'x-enrolment-token': enrolment },
    body: { name: 'Mac', capabilities, active_build_count: 0 },
  })
  if (status !== 200) throw new Error(`register was answered ${status}: ${JSON.stringify(body)}`)
  const token: string = body['access_token']
  return { id: body['id'], token, headers: { 'x-worker-token': token } }
}
