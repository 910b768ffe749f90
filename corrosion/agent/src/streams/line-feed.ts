/** A stream's bytes wait so long for more of them, or until there are so many. */
const coalesceMs = 10
const coalesceLength = 64 * 1024
const maxQueuedLines = 10_240

/** Whole lines of events, with how many there are: made once, given to all feeds. */
export interface Lines {
  text: string
  count: number
}

/** Lines on their way to one reader. One that falls too far behind is ended without a word. */
export class LineFeed implements AsyncIterable<string> {
  readonly #openedAt = performance.now()
  readonly #queue: Lines[] = []
  #queuedLines = 0
  #queuedLength = 0
  #isEnded = false
  #wake: (() => void) | undefined

  /** False once the reader lags. */
  push(lines: readonly Lines[]): boolean {
    if (this.#isEnded) return true
    if (this.#queuedLines >= maxQueuedLines) {
      this.end()
      return false
    }
    for (const { text, count } of lines) {
      this.#queue.push({ text, count })
      this.#queuedLines += count
      this.#queuedLength += text.length
    }
    this.#wake?.()
    return true
  }

  /** What is queued is still delivered. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  clear(): void {
    this.#queue.length = 0
    this.#queuedLines = 0
    this.#queuedLength = 0
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      while (this.#queuedLines === 0) {
        if (this.#isEnded) return
        await this.#woken()
      }
      const dueAt = this.#nextTick()
      while (!this.#isEnded && this.#queuedLength < coalesceLength) {
        const waitMs = dueAt - performance.now()
        if (waitMs <= 0) break
        await this.#woken(waitMs)
      }
      if (this.#queuedLines > 0) yield this.#take()
    }
  }

  // The ticks run from the stream's beginning, so that a lone line waits 5 ms on average.
  #nextTick(): number {
    const ticks = Math.ceil((performance.now() - this.#openedAt) / coalesceMs)
    return this.#openedAt + ticks * coalesceMs
  }

  #woken(timeoutMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
    this.#wake = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }

  #take(): string {
    let text = ''
    let taken = 0
    for (const lines of this.#queue) {
      if (text.length > 0 && text.length + lines.text.length > coalesceLength) break
      text += lines.text
      this.#queuedLines -= lines.count
      taken++
    }
    this.#queue.splice(0, taken)
    this.#queuedLength -= text.length
    return text
  }
}

/** Cuts lines into texts that a reader takes one at a time. */
export function groupLines(lines: Iterable<string>): Lines[] {
  const groups: Lines[] = []
  let text = ''
  let count = 0
  for (const line of lines) {
    text += line
    count++
    if (text.length >= coalesceLength) {
      groups.push({ text, count })
      text = ''
      count = 0
    }
  }
  if (count > 0) groups.push({ text, count })
  return groups
}
