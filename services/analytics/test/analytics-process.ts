import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createParser } from '@corroport/contracts'
import { freePort } from '@corroport/testing'
import { Type } from 'typebox'

const parseHealth = createParser(
  'health report',
  Type.Object({
    checks: Type.Array(
      Type.Object({
        name: Type.String(),
        ok: Type.Boolean(),
        detail: Type.Optional(Type.String()),
      }),
    ),
  }),
)

/** The service as it is run. Disposing ends it, whatever it does. */
export interface AnalyticsProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** What it says of its database: `leading`, or why it does not work. */
  postgres(): Promise<{ ok: boolean; detail?: string } | undefined>
  isReady(): Promise<boolean>
  kill(signal: NodeJS.Signals): Promise<void>
  output(): string
}

export async function startAnalyticsProcess(environment: {
  DATABASE_URL: string
  NATS_URL: string
  STATE_DIR: string
  ACK_WAIT_MS?: string
}): Promise<AnalyticsProcess> {
  const port = await freePort()
  const main = join(import.meta.dirname, '../src/main.ts')
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...environment, METRICS_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
    })
  }
  const ask = (path: string): Promise<Response | undefined> =>
    fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined) // it does not listen yet
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  return {
    child,
    async postgres() {
      const response = await ask('/health')
      return (
        response &&
        parseHealth(await response.json()).checks.find(({ name }) => name === 'postgres')
      )
    },
    isReady: async () => (await ask('/health/ready'))?.ok === true,
    kill,
    output: () => output,
    [Symbol.asyncDispose]: () => kill('SIGKILL'),
  }
}
