import { setTimeout as wait } from 'node:timers/promises'

export interface Load {
  /** Sends that were tried, whatever became of them. */
  attempted: number
  /** Sends that were answered with 200. */
  answered: number
  /** How often the others failed, by what was answered or went wrong. */
  failures: Record<string, number>
  /** How late the last send left, beyond its intended time: the sender itself must keep up. */
  worstDelayMs: number
}

export interface LoadOptions {
  /** Gateways, sent to in turn: `http://127.0.0.1:4001`. */
  urls: readonly string[]
  ratePerSecond: number
  durationMs: number
  content?: string
}

/** Sends at fixed times, whether or not the ones before were answered. */
export async function sendSteadily(options: LoadOptions): Promise<Load> {
  const { urls, ratePerSecond, durationMs, content = 'load' } = options
  const load: Load = { attempted: 0, answered: 0, failures: {}, worstDelayMs: 0 }
  const failed = (reason: string): void => {
    load.failures[reason] = (load.failures[reason] ?? 0) + 1
  }
  const startedAt = performance.now()
  const total = Math.floor((durationMs / 1000) * ratePerSecond)
  const sends: Promise<void>[] = []
  for (let index = 0; index < total; index += 1) {
    const due = startedAt + (index * 1000) / ratePerSecond
    const early = due - performance.now()
    if (early > 0) await wait(early)
    load.worstDelayMs = Math.max(load.worstDelayMs, performance.now() - due)
    const url = urls[index % urls.length] ?? ''
    load.attempted += 1
    sends.push(
      fetch(`${url}/api/messages/send`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ content: `${content} ${index}` }),
        signal: AbortSignal.timeout(15_000),
      }).then(
        async (response) => {
          const text = await response.text()
          if (response.ok) load.answered += 1
          else failed(`${response.status} ${text}`)
        },
        // A gateway that is down answers nothing: the row decides what was accepted.
        (error: unknown) => failed(describe(error)),
      ),
    )
  }
  await Promise.all(sends)
  return load
}

function describe(error: unknown): string {
  if (!Error.isError(error)) return String(error)
  return Error.isError(error.cause) ? `${error.message}: ${error.cause.message}` : error.message
}
