/** An endless answer: each item is one or more whole lines, newline included. */
export interface LineStream {
  /** Of `corro-query-id`. */
  id: string
  /** Of `corro-query-hash`; the updates feed has none. */
  hash?: string
  lines: AsyncIterable<string>
}

/** A request that is refused before its stream begins. */
export class StreamRefusedError extends Error {
  override name = 'StreamRefusedError'
  readonly status: 400 | 404 | 500

  constructor(status: 400 | 404 | 500, message: string) {
    super(message)
    this.status = status
  }
}

export interface SubscribeOptions {
  from?: number | undefined
  skipRows?: boolean | undefined
  /** The client has gone. */
  signal: AbortSignal
}
