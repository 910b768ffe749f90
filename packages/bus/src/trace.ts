import { AsyncLocalStorage } from 'node:async_hooks'
import { randomFillSync } from 'node:crypto'

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
  return `00-${parent?.[1] ?? randomHex(16)}-${randomHex(8)}-${parent?.[3] ?? '00'}`
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
