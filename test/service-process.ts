import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createParser } from '@corroport/contracts'
import { createTemporaryFolder, freePort, until } from '@corroport/testing'
import { Type } from 'typebox'

const parseLine = createParser(
  'a line of the log',
  Type.Object({
    level: Type.String(),
    msg: Type.String(),
    advice: Type.Optional(Type.String()),
    refusal: Type.Optional(Type.String()),
  }),
)
type LogLine = ReturnType<typeof parseLine>

const parseHealth = createParser(
  'health report',
  Type.Object({
    status: Type.String(),
    checks: Type.Array(
      Type.Object({
        name: Type.String(),
        ok: Type.Boolean(),
        detail: Type.Optional(Type.String()),
      }),
    ),
  }),
)

export const serviceNames = [
  'subscriber',
  'ack-sender',
  'config-manager',
  'gateway',
  'analytics',
] as const
export type ServiceName = (typeof serviceNames)[number]

const lineWithinMs = 20_000

/** A service as it is deployed. Disposing ends it, whatever it does. */
export interface ServiceProcess extends AsyncDisposable {
  readonly child: ChildProcess
  readonly apiPort: number
  output(): string
  /** The first line that says this, once it is there. */
  line(words: string): Promise<LogLine>
  exitCode(): Promise<number | null>
  ask(path: string, headers?: Record<string, string>): Promise<{ status: number; text: string }>
  /** What `/health/ready` says of one of its checks. */
  check(name: string): Promise<{ ok: boolean; detail?: string } | undefined>
  /** Once the check says this. */
  checked(name: string, words: string): Promise<void>
  isReady(): Promise<boolean>
}

/** Started in a way that would work, but for what is given; undefined leaves a variable out. */
export async function startService(
  name: ServiceName,
  given: Record<string, string | undefined>,
): Promise<ServiceProcess> {
  const folder = createTemporaryFolder()
  const [metricsPort, apiPort, peerPort] = [await freePort(), await freePort(), await freePort()]
  const environment: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    NODE_ID: 'node1',
    NATS_URL: 'nats://127.0.0.1:9',
    AGENT_URL: 'http://127.0.0.1:9',
    STATE_DIR: join(folder.path, 'state'),
    METRICS_PORT: String(metricsPort),
    ...moreOf(name, { apiPort, peerPort, folder: folder.path }),
    ...given,
  }
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../services', name, 'src/main.ts')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: Object.fromEntries(
        Object.entries(environment).filter(([, value]) => value !== undefined),
      ),
    },
  )
  let output = ''
  const heard = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      heard.dispatchEvent(new Event('data'))
    })
  }
  const closed = once(child, 'close')
  const host = environment.METRICS_HOST ?? '127.0.0.1'
  const ask: ServiceProcess['ask'] = async (path, headers = {}) => {
    const response = await fetch(`http://${host}:${environment.METRICS_PORT}${path}`, { headers })
    return { status: response.status, text: await response.text() }
  }
  const check: ServiceProcess['check'] = async (wanted) => {
    const answer = await ask('/health/ready').catch(() => undefined) // it does not listen yet
    return (
      answer &&
      parseHealth(JSON.parse(answer.text)).checks.find(({ name: each }) => each === wanted)
    )
  }
  return {
    child,
    apiPort,
    output: () => output,
    async line(words) {
      const signal = AbortSignal.timeout(lineWithinMs)
      for (;;) {
        const line = output.split('\n').find((each) => each.includes(words) && each.endsWith('}'))
        if (line !== undefined) return parseLine(JSON.parse(line))
        if (child.exitCode !== null) throw new Error(`ended without "${words}":\n${output}`)
        await once(heard, 'data', { signal }).catch(() => {
          throw new Error(`no "${words}" within ${lineWithinMs} ms:\n${output}`)
        })
      }
    },
    async exitCode() {
      await closed
      return child.exitCode
    },
    ask,
    check,
    async checked(wanted, words) {
      await until(async () => (await check(wanted))?.detail?.includes(words) === true)
    },
    isReady: async () => (await ask('/health/ready').catch(() => undefined))?.status === 200,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
      folder[Symbol.dispose]()
    },
  }
}

function moreOf(
  name: ServiceName,
  { apiPort, peerPort, folder }: { apiPort: number; peerPort: number; folder: string },
): Record<string, string> {
  switch (name) {
    case 'gateway':
      return { API_PORT: String(apiPort), PEER_PORT: String(peerPort) }
    case 'config-manager':
      return {
        AGENT_CONFIG: join(folder, 'agent.toml'),
        AGENT_CONTROL: 'signal',
        AGENT_PID_FILE: join(folder, 'agent.pid'),
        API_ENDPOINT: `127.0.0.1:${apiPort}`,
        PEER_ENDPOINT: `127.0.0.1:${peerPort}`,
      }
    case 'analytics':
      return { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' }
    case 'subscriber':
    case 'ack-sender':
      return {}
    default:
      name satisfies never
      throw new Error('unreachable: a service that nobody knows')
  }
}
