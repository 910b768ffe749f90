// Builds from submission to their end while everything that can be killed is, again and again.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createTemporaryFolder, freePort, startPostgres, until } from '@corroport/testing'
import { Client, Pool } from 'pg'
import { pino } from 'pino'
import { openStorage } from '../src/files/storage.ts'
import { sweep } from '../src/retention.ts'
import { apiKey, createDatabase, enrolment, toForm } from './harness.ts'

export interface FaultRun {
  builds: number
  workers: number
  /** For so long at least something is killed or stopped all the time. */
  faultsForMs: number
}

export interface FaultFindings {
  /** Everything that is not as it has to be; empty where all is well. */
  wrong: string[]
  ended: Record<string, number>
  faults: Record<string, number>
  /** Reports of workers whose lease was over, by what they were answered. */
  late: Record<number, number>
  seconds: number
}

const script = join(import.meta.dirname, '../src/main.ts')
const leaseSeconds = 2

export async function runFaults(run: FaultRun): Promise<FaultFindings> {
  await using stack = new AsyncDisposableStack()
  const storage = stack.use(createTemporaryFolder())
  const postgres = stack.use(await startPostgres({ max_connections: '60' }))
  const { url, [Symbol.asyncDispose]: close } = await createDatabase(postgres)
  await close()
  const over = new AbortController()
  const faults: Record<string, number> = {}
  const late: Record<number, number> = {}
  /** Attempts of a build whose report was accepted. */
  const accepted = new Map<string, Set<number>>()

  const controllers = await Promise.all([startProcess(), startProcess()])
  stack.defer(async () => {
    await Promise.all(controllers.map((each) => each.kill()))
  })

  async function startProcess() {
    const port = await freePort()
    const metricsPort = await freePort()
    let child: ChildProcess
    const start = (): void => {
      child = spawn(process.execPath, [script], {
        env: {
          ...process.env,
          CONTROLLER_API_KEY: apiKey,
          WORKER_ENROLMENT_TOKEN: enrolment,
          DATABASE_URL: url,
          STORAGE_ROOT: storage.path,
          PORT: String(port),
          METRICS_PORT: String(metricsPort),
          LEASE_SECONDS: String(leaseSeconds),
          FIRST_LEASE_SECONDS: String(leaseSeconds),
          RETRY_SECONDS: '0',
          MAX_LOSSES: '100',
          LOG_LEVEL: 'fatal',
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
    }
    start()
    return {
      origin: `http://127.0.0.1:${port}`,
      start,
      async kill() {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      },
    }
  }

  /** Until some controller answers something that is not its trouble. */
  async function ask(
    path: string,
    options: { headers: Record<string, string>; form?: () => FormData; body?: unknown },
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const { headers, form, body } = options
    for (;;) {
      const { origin } = controllers[randomInt(controllers.length)] ?? { origin: '' }
      try {
        const response = await fetch(`${origin}${path}`, {
          method: form || body !== undefined ? 'POST' : 'GET',
          headers: {
            ...headers,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(form && { body: form() }),
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(10_000),
        })
        const answer = await response.json()
        if (response.status < 500) return { status: response.status, body: Object(answer) }
      } catch {
        // It was killed, or is not up again: whoever asks asks again.
      }
      await wait(20 + randomInt(80))
    }
  }

  async function submitAll(): Promise<void> {
    let next = 0
    const submitter = async (): Promise<void> => {
      while (next < run.builds) {
        const number = next++
        const headers = { 'x-api-key': apiKey, 'idempotency-key': `build-${number}` }
        const form = () => toForm({ platform: 'ios', source: new Blob([`PK ${number}`]) })
        const { status } = await ask('/api/builds/submit', { headers, form })
        if (status !== 201 && status !== 200) throw new Error(`a submission was answered ${status}`)
      }
    }
    await Promise.all(Array.from({ length: 8 }, submitter))
  }

  async function work(): Promise<void> {
    while (!over.signal.aborted) {
      const registered = await ask('/api/workers/register', {
        headers: { 'x-enrolment-token': enrolment },
        body: { capabilities: { platforms: ['ios'] } },
      })
      await workAs(String(registered.body['id']), String(registered.body['access_token']))
    }
  }

  /** Returns when it died, or has to register again. */
  async function workAs(id: string, token: string): Promise<void> {
    const headers = { 'x-worker-token': token }
    while (!over.signal.aborted) {
      const polled = await ask('/api/workers/poll?wait=1', { headers })
      if (polled.status === 401) return
      const { job } = polled.body
      if (!isJob(job)) continue
      const fate = randomInt(1000)
      if (fate < 15) return // it died
      const isLate = fate < 30
      if (isLate)
        await wait(leaseSeconds * 1000 + 2500 + randomInt(2000), undefined, {
          signal: over.signal,
        }).catch(() => undefined)
      const isFailure = fate % 5 === 0
      const report = await ask('/api/workers/upload', {
        headers: { ...headers, 'x-lease-token': job.lease_token },
        form: () =>
          toForm({
            build_id: job.id,
            worker_id: id,
            success: String(!isFailure),
            ...(isFailure
              ? { error_message: `attempt ${job.attempt}` }
              : { result: new Blob([`${job.id} ${job.attempt}`]) }),
          }),
      })
      if (isLate) late[report.status] = (late[report.status] ?? 0) + 1
      if (report.status === 200) {
        const attempts = accepted.get(job.id) ?? new Set()
        accepted.set(job.id, attempts.add(job.attempt))
      }
    }
  }

  async function breakThings(): Promise<void> {
    const breakers: Record<string, () => Promise<void>> = {
      'controller killed': async () => {
        const victim = controllers[randomInt(controllers.length)]
        await victim?.kill()
        await wait(randomInt(500))
        victim?.start()
      },
      'backends terminated': async () => {
        const client = new Client({ connectionString: url })
        client.on('error', () => undefined)
        try {
          await client.connect()
          await client.query(
            'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()',
          )
        } finally {
          await client.end().catch(() => undefined)
        }
      },
      'postgres restarted': async () => {
        await postgres.stop()
        await wait(randomInt(1000))
        await postgres.start()
      },
      'postgres killed': async () => {
        await postgres.kill()
        await postgres.start()
      },
    }
    const names = Object.keys(breakers)
    const deadline = performance.now() + run.faultsForMs
    while (performance.now() < deadline && !over.signal.aborted) {
      await wait(300 + randomInt(1500))
      const name = names[randomInt(names.length)] ?? ''
      await breakers[name]?.()
      faults[name] = (faults[name] ?? 0) + 1
    }
  }

  const startedAt = performance.now()
  const breaking = breakThings()
  const working = Array.from({ length: run.workers }, work)
  await submitAll()
  await breaking
  const pool = new Pool({ connectionString: url, max: 2 })
  pool.on('error', () => undefined)
  stack.defer(() => pool.end())
  await until(async () => {
    const { rows } = await pool.query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM builds.build WHERE finished_at IS NULL',
    )
    return rows[0]?.count === 0
  }, 300_000)
  over.abort()
  await Promise.all(working)
  const seconds = (performance.now() - startedAt) / 1000
  await Promise.all(controllers.map((each) => each.kill()))
  return { ...(await judge(pool, run.builds, storage.path, accepted)), faults, late, seconds }
}

function isJob(job: unknown): job is { id: string; attempt: number; lease_token: string } {
  return typeof job === 'object' && job !== null && 'lease_token' in job
}

async function judge(
  pool: Pool,
  count: number,
  root: string,
  accepted: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<Pick<FaultFindings, 'wrong' | 'ended'>> {
  const wrong: string[] = []
  const ended: Record<string, number> = {}
  const { rows } = await pool.query<{
    id: string
    status: string
    attempt: number
    reason: string | null
    result_name: string | null
    result_sha256: Buffer | null
    endings: number
  }>(
    `SELECT id, status, attempt, reason, result_name, result_sha256,
      (SELECT count(*)::integer FROM builds.event e WHERE e.build_id = b.id AND e.kind IN
        ('build.completed', 'build.failed', 'build.dead', 'build.cancelled')) AS endings
      FROM builds.build b`,
  )
  if (rows.length !== count) wrong.push(`${rows.length} builds of ${count}`)
  for (const { id, status, attempt, reason, result_name, result_sha256, endings } of rows) {
    ended[status] = (ended[status] ?? 0) + 1
    if (endings !== 1) wrong.push(`${id} ended ${endings} times`)
    const attempts = [...(accepted.get(id) ?? [])]
    // The answer to a report may have been lost with its controller, the report was taken all the same.
    if (attempts.some((each) => each !== attempt)) {
      wrong.push(`${id} took reports of attempts ${attempts.join(', ')} and is of ${attempt}`)
    }
    if (status === 'failed' && reason !== `attempt ${attempt}`)
      wrong.push(`${id} failed: ${reason}`)
    if (status === 'completed') {
      const path = join(root, 'builds', id, result_name ?? '')
      const content = readFileSync(path, 'utf8')
      const sha256 = createHash('sha256').update(content).digest()
      if (content !== `${id} ${attempt}`) wrong.push(`${id} has the result ${content}`)
      if (!result_sha256?.equals(sha256)) wrong.push(`${id} has another checksum`)
    }
  }
  return { wrong: [...wrong, ...(await strangeFiles(pool, root))], ended }
}

/** Files that a row names and the disk has not, and the other way round, when the sweep thinks it is two hours later. */
async function strangeFiles(pool: Pool, root: string): Promise<string[]> {
  const storage = await openStorage(root, () => Date.now() + 2 * 3_600_000)
  await sweep({ pool, storage, log: pino({ level: 'silent' }), retentionDays: 1 })
  const { rows } = await pool.query<{ id: string; names: string[] }>(
    `SELECT id, array_remove(ARRAY[source_name, certs_name, result_name], NULL) AS names
      FROM builds.build`,
  )
  const named = new Set(
    rows.flatMap(({ id, names }) => names.map((name) => `builds/${id}/${name}`)),
  )
  const held = new Set(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name))),
  )
  return [
    ...[...named.difference(held)].map((path) => `${path} is missing`),
    ...[...held.difference(named)].map((path) => `${path} is of no build`),
  ]
}
