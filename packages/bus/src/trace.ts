import { AsyncLocalStorage } from 'node:async_hooks'
import { randomFillSync } from 'node:crypto'

// W3C trace context by hand: there is no instrumentation for NATS, and while nobody records spans a
// trace costs its id and nothing else.
const traceparentForm = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal'
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanStart {
  /** Whose work it is; by default that of the span around it. */
  service?: string
  /** Of few different values: no ids. */
  name: string
  kind?: SpanKind
  /** A `traceparent` of outside; by default the span around it. */
  parent?: string | undefined
  /** Begins a trace where there is none. */
  isRoot?: boolean
  /** `traceparent`s. */
  links?: readonly string[]
  attributes?: SpanAttributes
  /** Unix milliseconds; by default now. */
  startedAt?: number
}

/** What a recorder makes of a start. The sampled flag is its decision. */
export interface RecordedSpan {
  readonly traceparent: string
  set(attributes: SpanAttributes): void
  end(failure?: unknown): void
}

export type SpanRecorder = (start: SpanStart & { service: string }) => RecordedSpan

export interface Span extends RecordedSpan {
  /** Runs `work` inside of it. It does not end with it. */
  run<T>(work: () => T): T
}

interface Place {
  readonly traceparent: string
  readonly service: string | undefined
}

const current = new AsyncLocalStorage<Place>()
let recorder: SpanRecorder | undefined

/** From now on the spans of this process go to `record`. */
export function recordSpans(record: SpanRecorder): Disposable {
  recorder = record
  return {
    [Symbol.dispose]() {
      recorder = undefined
    },
  }
}

/** Whether spans are recorded: without, nobody needs to look for what they would say. */
export function isRecording(): boolean {
  return recorder !== undefined
}

export function isSampled(traceparent: string | undefined): boolean {
  // The flag first: most have none, and the form takes ten times as long.
  return (
    traceparent !== undefined &&
    (Number.parseInt(traceparent.charAt(54), 16) & 1) === 1 &&
    traceparentForm.test(traceparent)
  )
}

/** Undefined outside of a sampled trace, and where nobody records. */
export function startSpan(start: SpanStart): Span | undefined {
  if (!recorder) return undefined
  const place = current.getStore()
  const parent = valid(start.parent) ?? place?.traceparent
  if (parent === undefined ? !start.isRoot : !isSampled(parent)) return undefined
  const service = start.service ?? place?.service
  if (service === undefined) return undefined
  const { traceparent, ...span } = recorder({ ...start, service, parent })
  const inside: Place = { traceparent, service }
  return { ...span, traceparent, run: (work) => current.run(inside, work) }
}

/** Runs `work` in a span that ends with it, also where that is later. */
export function withSpan<T>(start: SpanStart, work: (span?: Span) => T): T {
  const span = startSpan(start)
  if (!span) {
    return inTrace(start.parent ?? (start.isRoot ? createTraceparent() : undefined), work)
  }
  const failed = (error: unknown): void => span.end(error)
  return span.run(() => {
    try {
      const result = work(span)
      if (result instanceof Promise) result.then(() => span.end(), failed)
      else span.end()
      return result
    } catch (error) {
      failed(error)
      throw error
    }
  })
}

/** Runs `work` as a part of the given trace; everything published meanwhile carries it. */
export function inTrace<T>(traceparent: string | undefined, work: () => T): T {
  const given = valid(traceparent)
  return given === undefined
    ? work()
    : current.run({ traceparent: given, service: undefined }, work)
}

/** Runs `work` as a part of no trace: what a request set off and did not wait for. */
export function outOfTrace<T>(work: () => T): T {
  return current.exit(work)
}

/** The `traceparent` of what is being sent now: the span that runs, or a new trace, not sampled. */
export function createTraceparent(): string {
  return current.getStore()?.traceparent ?? `00-${randomHex(16)}-${randomHex(8)}-00`
}

/** For lines of the log: which span they belong to, where that is sampled. */
export function traceFields(): { traceId?: string; spanId?: string } {
  const traceparent = current.getStore()?.traceparent
  if (traceparent === undefined || !isSampled(traceparent)) return {}
  const [, traceId = '', spanId = ''] = traceparent.split('-')
  return { traceId, spanId }
}

function valid(traceparent: string | undefined): string | undefined {
  return traceparent !== undefined && traceparentForm.test(traceparent) ? traceparent : undefined
}

// Random bytes are drawn for many ids at once: one at a time they were 2 % of a busy service.
const pool = Buffer.alloc(8192)
let used = pool.length

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
