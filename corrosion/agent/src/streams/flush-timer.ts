/** As soon as so many keys are waiting, nothing waits any longer. */
export const flushKeys = 1000

/**
 * Calls back at the next beat after something has come to wait. The beat runs freely and begins anew
 * with each flush, so that a lone change waits between nothing and all of it.
 */
export class FlushTimer implements Disposable {
  readonly #beatMs: number
  readonly #flush: () => void
  #beganAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined

  constructor(beatMs: number, flush: () => void) {
    this.#beatMs = beatMs
    this.#flush = flush
  }

  /** Something waits. */
  start(): void {
    const sinceBeat = (performance.now() - this.#beganAt) % this.#beatMs
    this.#timer ??= setTimeout(() => this.#ring(), this.#beatMs - sinceBeat)
  }

  /** Enough waits. */
  startNow(afterMs = 0): void {
    this.#soon ??= setTimeout(() => this.#ring(), afterMs)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#soon)
    this.#timer = undefined
    this.#soon = undefined
  }

  #ring(): void {
    this[Symbol.dispose]()
    this.#flush()
    this.#beganAt = performance.now()
  }
}
