import { messageOf } from '@corroport/bus'
import { ProblemError } from '../errors.ts'

/** For `catch`, around what is read from or stored in streams. */
export function silentStreams(cause: unknown): never {
  if (cause instanceof ProblemError) throw cause
  throw new ProblemError(503, `nats or its streams cannot be reached: ${messageOf(cause)}`, {
    cause,
    retryAfterSeconds: 1,
  })
}
