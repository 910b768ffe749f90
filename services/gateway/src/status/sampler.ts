import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'

/** What is known from looking now and then, without asking anybody at the moment of the question. */
export interface Reading<T> {
  /** `stale`: the last look is older than two periods, or there was none. */
  state: 'found' | 'failed' | 'stale'
  /** Since the last look. */
  ageMs: number | null
  error: string | null
  /** Null unless it was found by the last look, and lately. */
  value: T | null
  /** However old. */
  lastFound: T | null
}

export interface Sampler<T> extends AsyncDisposable {
  read(): Reading<T>
}

export interface SamplerOptions<T> {
  /** Should end when the signal is aborted; its outcome is given up then all the same. */
  look: (signal: AbortSignal) => Promise<T>
  /** Called after each look. */
  onLooked: () => void
  explain?: (error: unknown) => string
}

// With a second until a page hears of it, what goes away is said within three.
const everyMs = 1000
/** Until a look has failed. Less than the second in which the status is to be answered. */
export const lookDeadlineMs = 900

/** Looks at once and then each second, never twice at a time. */
export function startSampler<T>(options: SamplerOptions<T>): Sampler<T> {
  const { look, onLooked, explain = reasonOf } = options
  const stopping = new AbortController()
  let lookedAt: number | undefined
  let error: string | null = null
  let lastFound: T | null = null

  const lookOnce = async (): Promise<void> => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(lookDeadlineMs)])
    const looking = look(signal)
    try {
      lastFound = await Promise.race([looking, rejectedBy(signal)])
      error = null
    } catch (reason) {
      error = explain(reason)
    }
    if (stopping.signal.aborted) return
    lookedAt = performance.now()
    onLooked()
    await looking.catch(() => undefined) // said above, or too late to be of use
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const startedAt = performance.now()
      await lookOnce()
      const restMs = Math.max(0, everyMs - (performance.now() - startedAt))
      await wait(restMs, undefined, stopping).catch(() => undefined) // aborted: the loop ends
    }
  })()

  return {
    read() {
      const ageMs = lookedAt === undefined ? null : Math.round(performance.now() - lookedAt)
      if (ageMs === null || ageMs > 2 * everyMs) {
        return { state: 'stale', ageMs, error: null, value: null, lastFound }
      }
      if (error !== null) return { state: 'failed', ageMs, error, value: null, lastFound }
      return { state: 'found', ageMs, error, value: lastFound, lastFound }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer in ${lookDeadlineMs} ms`)))
  })
}

export function reasonOf(error: unknown): string {
  // Several addresses of one name: the sum of their failures has no message of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return messageOf(error)
}
