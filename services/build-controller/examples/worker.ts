// A worker for one machine: takes a build, runs a command in a folder with its source, sends what it made.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openAsBlob, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

const {
  BUILD_CONTROLLER_URL = 'http://127.0.0.1:4444',
  WORKER_ENROLMENT_TOKEN_FILE = '',
  WORKER_NAME = 'worker-1',
  WORKER_PLATFORMS = 'ios,android',
  WORKER_LABELS = '',
  /** Finds `source.zip` in its folder, and leaves `result` there. */
  BUILD_COMMAND = 'cp source.zip result',
} = process.env
const beatEveryMs = 20_000

const Registered = Type.Object({ id: Type.String(), access_token: Type.String() })
const Job = Type.Object({
  id: Type.String(),
  source_url: Type.String(),
  lease_token: Type.String(),
})
type Job = Static<typeof Job>
const Polled = Type.Object({ job: Type.Union([Job, Type.Null()]) })
const Beaten = Type.Object({ cancel: Type.Boolean() })

let token = ''
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
process.once('SIGINT', () => stopping.abort())

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${BUILD_CONTROLLER_URL}${path}`, init)
  if (response.ok) return response
  throw new Error(`${path} was answered ${response.status}: ${await response.text()}`, {
    cause: response.status,
  })
}

function json(body: object, headers: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

async function register(): Promise<void> {
  const enrolment = readFileSync(WORKER_ENROLMENT_TOKEN_FILE, 'utf8').trim()
  const capabilities = {
    platforms: WORKER_PLATFORMS.split(','),
    labels: WORKER_LABELS.split(',').filter(Boolean),
  }
  const body = { name: WORKER_NAME, capabilities, active_build_count: 0 }
  const answer = await ask(
    '/api/v2/workers/register',
    json(body, { 'x-enrolment-token': enrolment }),
  )
  const registered = Value.Parse(Registered, await answer.json())
  token = registered.access_token
  console.log(`${WORKER_NAME} is registered as ${registered.id}`)
}

async function poll(): Promise<Job | null> {
  const answer = await ask('/api/v2/workers/poll?wait=30', {
    headers: { 'x-worker-token': token },
    signal: stopping.signal,
  })
  return Value.Parse(Polled, await answer.json()).job
}

async function build({ id, source_url, lease_token: lease }: Job): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'build-'))
  const holding = { 'x-lease-token': lease }
  // Ends the command when the build was cancelled or taken back.
  const given = new AbortController()
  const beating = setInterval(() => void beat(id, holding).catch(() => given.abort()), beatEveryMs)
  try {
    await beat(id, holding)
    const source = await ask(source_url, { headers: holding })
    if (!source.body) throw new Error('the source has no body')
    await writeFile(join(folder, 'source.zip'), source.body)
    const code = await run(id, folder, holding, given.signal)
    if (given.signal.aborted) return
    const form = new FormData()
    form.set('build_id', id)
    form.set('success', String(code === 0))
    if (code === 0) form.set('result', await openAsBlob(join(folder, 'result')), 'result')
    else form.set('error_message', `the command ended with ${code}`)
    await ask('/api/v2/workers/upload', { method: 'POST', headers: holding, body: form })
    console.log(`${id} ${code === 0 ? 'is built' : 'failed'}`)
  } finally {
    clearInterval(beating)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function beat(id: string, holding: Record<string, string>): Promise<void> {
  const answer = await ask(`/api/v2/builds/${id}/heartbeat`, { method: 'POST', headers: holding })
  const { cancel } = Value.Parse(Beaten, await answer.json())
  if (cancel) throw new Error(`${id} is cancelled`)
}

/** Runs the command and sends what it prints, line by line in batches; its exit code. */
async function run(
  id: string,
  folder: string,
  holding: Record<string, string>,
  signal: AbortSignal,
): Promise<number | null> {
  const child = spawn('sh', ['-c', BUILD_COMMAND], { cwd: folder, signal })
  const ended = once(child, 'close').catch(() => [null])
  let lines: { level: string; message: string }[] = []
  const send = async (): Promise<void> => {
    const logs = lines.splice(0, 1000)
    if (logs.length > 0) await ask(`/api/v2/builds/${id}/logs`, json({ logs }, holding))
  }
  for (const [stream, level] of [
    [child.stdout, 'info'],
    [child.stderr, 'warn'],
  ] as const) {
    createInterface(stream).on('line', (message) => lines.push({ level, message }))
  }
  const sending = setInterval(() => void send().catch(console.error), 500)
  const [code]: unknown[] = await ended
  clearInterval(sending)
  while (lines.length > 0) await send()
  return typeof code === 'number' ? code : null
}

while (!stopping.signal.aborted) {
  try {
    if (token === '') await register()
    const job = await poll()
    if (job) await build(job)
  } catch (error) {
    if (stopping.signal.aborted) break
    // Its registration is over: it was not heard for too long.
    if (error instanceof Error && error.cause === 401) token = ''
    console.error(error instanceof Error ? error.message : error)
    await wait(1000)
  }
}
if (token !== '') {
  await ask('/api/v2/workers/unregister', {
    method: 'POST',
    headers: { 'x-worker-token': token },
  }).catch(console.error)
}
