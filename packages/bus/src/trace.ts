import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

// W3C trace context by hand: there is no instrumentation for NATS.
const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

const current = new AsyncLocalStorage<string>()

/** Runs `work` as a part of the given trace; everything published meanwhile carries it. */
export function inTrace<T>(traceparent: string | undefined, work: () => T): T {
  return traceparent !== undefined && traceparentForm.test(traceparent)
    ? current.run(traceparent, work)
    : work()
}

/** A `traceparent` for what is being sent now: a child of the current trace, or a new trace. */
export function createTraceparent(): string {
  const parent = traceparentForm.exec(current.getStore() ?? '')
  const traceId = parent?.[1] ?? randomBytes(16).toString('hex')
  return `00-${traceId}-${randomBytes(8).toString('hex')}-${parent?.[3] ?? '00'}`
}
