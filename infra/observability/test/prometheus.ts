import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, until } from '@corroport/testing'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const Labels = Type.Record(Type.String(), Type.String())
const Vector = Type.Object({
  result: Type.Array(
    Type.Object({ metric: Labels, value: Type.Tuple([Type.Number(), Type.String()]) }),
  ),
})
const Alerts = Type.Object({
  alerts: Type.Array(Type.Object({ labels: Labels, state: Type.String() })),
})

export interface Prometheus extends AsyncDisposable {
  /** What an expression gives now: the series' labels and their values. */
  query(expression: string): Promise<{ labels: Record<string, string>; value: number }[]>
  /** `CorroAgentDown node1`, of those that are firing. */
  firing(): Promise<string[]>
}

// Debian's package `prometheus` has both.
const promtool = process.env.PROMTOOL_BIN ?? 'promtool'
const program = process.env.PROMETHEUS_BIN ?? 'prometheus'

export function runPromtool(...args: readonly string[]): { status: number | null; text: string } {
  const { status, stdout, stderr, error } = spawnSync(promtool, args, { encoding: 'utf8' })
  if (error) throw new Error(`${promtool} cannot be run`, { cause: error })
  return { status, text: stdout + stderr }
}

/** A real Prometheus on loopback with its data and configuration in the folder. Disposing kills it. */
export async function startPrometheus(folder: string, config: string): Promise<Prometheus> {
  const configPath = join(folder, 'prometheus.yml')
  writeFileSync(configPath, config)
  const port = await freePort()
  const child = spawn(
    program,
    [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000)
  })
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const ask = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) })
  const read = async <Schema extends typeof Vector | typeof Alerts>(
    schema: Schema,
    path: string,
  ) => {
    const answer: unknown = await (await ask(path)).json()
    const { data } = Value.Parse(Type.Object({ data: Type.Unknown() }), answer)
    return Value.Parse(schema, data)
  }

  const end = async (): Promise<void> => {
    if (isOver()) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  try {
    await until(async () => {
      if (isOver()) throw new Error(`prometheus ended: ${output}`)
      return await ask('/-/ready').then(
        ({ ok }) => ok,
        () => false,
      )
    })
  } catch (error) {
    await end()
    throw error
  }
  return {
    async query(expression) {
      const { result } = await read(Vector, `/api/v1/query?query=${encodeURIComponent(expression)}`)
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    async firing() {
      const { alerts } = await read(Alerts, '/api/v1/alerts')
      return alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels }) => [labels.alertname, labels.node].filter(Boolean).join(' '))
    },
    [Symbol.asyncDispose]: end,
  }
}
