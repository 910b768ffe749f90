/** The agent said no. `status` is the HTTP status; 200 when it failed after the answer had begun. */
export class CorrosionResponseError extends Error {
  override name = 'CorrosionResponseError'
  readonly status: number
  /** What the agent said, out of its JSON; empty when it said nothing. */
  readonly agentMessage: string

  constructor(status: number, agentMessage: string, request: string) {
    super(`${request} was answered with ${status}: ${shorten(agentMessage) || 'an empty body'}`)
    this.status = status
    this.agentMessage = agentMessage
  }
}

/** The agent has too many requests of this kind (503). Nothing was done; it may be tried again. */
export class CorrosionBusyError extends CorrosionResponseError {
  override name = 'CorrosionBusyError'
}

/**
 * There was no answer, or not a whole one. `outcome` is `not-sent` when the request cannot have
 * reached the agent, else `unknown`: a transaction may have been committed.
 */
export class CorrosionConnectionError extends Error {
  override name = 'CorrosionConnectionError'
  readonly outcome: 'not-sent' | 'unknown'

  constructor(message: string, outcome: 'not-sent' | 'unknown', cause?: unknown) {
    super(message, { cause })
    this.outcome = outcome
  }
}

/** What was answered is not what Corrosion answers. */
export class CorrosionProtocolError extends Error {
  override name = 'CorrosionProtocolError'
}

/**
 * A subscription or updates stream is over. It never completes: reconnect. `agentMessage` is there
 * when the agent gave a reason; without one the stream just ended (lag, restart, schema change).
 */
export class StreamLostError extends Error {
  override name = 'StreamLostError'
  readonly agentMessage: string | undefined

  constructor(stream: string, agentMessage: string | undefined, cause?: unknown) {
    const why = agentMessage ?? (cause === undefined ? 'it ended' : describeError(cause))
    super(`${stream} was lost: ${shorten(why)}`, { cause })
    this.agentMessage = agentMessage
  }
}

/** The statement was not sent: it is not one single read. */
export class StatementRefusedError extends Error {
  override name = 'StatementRefusedError'
}

/** Message and code of whatever was thrown. */
export function describeError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const message = 'message' in error ? String(error.message) : 'no reason'
  const code = 'code' in error ? String(error.code) : ''
  return message.includes(code) ? message : `${code}: ${message}`
}

const maxMessageLength = 500

function shorten(text: string): string {
  return text.length > maxMessageLength ? `${text.slice(0, maxMessageLength)}…` : text
}
