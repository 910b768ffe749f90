import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from 'pino'
import type { TracingConfig } from './tracing-environment.ts'

/** One that lets go of what it sends: OpenTelemetry's own repeats for 10 s, also while a process ends. */
export interface AbortableExporter extends SpanExporter {
  readonly isFailing: boolean
  /** Ends what is being sent, and takes nothing more. */
  abort(): void
}

type Done = Parameters<SpanExporter['export']>[1]
type Outcome = Parameters<Done>[0]

const compress = promisify(gzip)
const contentTypes = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' }
// By the specification of OTLP: anything else would be refused again.
const passing = [429, 502, 503, 504]
const firstDelayMs = 500
const longestDelayMs = 5000

class RefusedError extends Error {
  override name = 'RefusedError'
}

export function createSpanExporter(
  config: TracingConfig,
  serialize: (spans: ReadableSpan[]) => Uint8Array | undefined,
  log: Logger,
): AbortableExporter {
  const { url, protocol, compression, timeoutMs } = config
  const stopping = new AbortController()
  const inFlight = new Set<Promise<Outcome>>()
  let isFailing = false

  const failed = (error: unknown): void => {
    if (isFailing || stopping.signal.aborted) return
    isFailing = true
    log.warn({ err: error, url }, 'spans are not exported, and dropped when too many wait')
  }

  const post = async (body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...config.headers,
        'content-type': contentTypes[protocol],
        ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
      },
      body,
      redirect: 'error',
      signal,
    })
    await response.arrayBuffer()
    if (response.ok) return
    const words = `the collector answered ${response.status}`
    throw passing.includes(response.status) ? new Error(words) : new RefusedError(words)
  }

  const send = async (spans: ReadableSpan[]): Promise<void> => {
    const bytes = new Uint8Array(serialize(spans) ?? [])
    const body = compression === 'gzip' ? new Uint8Array(await compress(bytes)) : bytes
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMs)])
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      try {
        await post(body, signal)
        if (isFailing) log.info({ url }, 'spans are exported again')
        isFailing = false
        return
      } catch (error) {
        failed(error)
        if (error instanceof RefusedError || signal.aborted) throw error
      }
      await wait(delayMs * (0.5 + Math.random() / 2), undefined, { signal })
    }
  }

  // 0 and 1: success and failure, in OpenTelemetry's words.
  const outcomeOf = async (spans: ReadableSpan[]): Promise<Outcome> => {
    try {
      await send(spans)
      return { code: 0 }
    } catch (error) {
      return { code: 1, error: Error.isError(error) ? error : new Error(String(error)) }
    }
  }

  const settle = async (sending: Promise<Outcome>, done: Done): Promise<void> => {
    const outcome = await sending
    inFlight.delete(sending)
    done(outcome)
  }

  return {
    get isFailing() {
      return isFailing
    },
    abort: () => stopping.abort(),
    export(spans, done) {
      const sending = outcomeOf(spans)
      inFlight.add(sending)
      void settle(sending, done)
    },
    async shutdown() {
      await Promise.all(inFlight)
    },
  }
}
