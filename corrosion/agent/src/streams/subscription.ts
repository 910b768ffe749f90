import { rmSync } from 'node:fs'
import type { Log } from '../log.ts'
import { type Change, sentinel } from '../store/change.ts'
import { FlushTimer, flushKeys } from './flush-timer.ts'
import type { FollowedQuery } from './followed-query.ts'
import { LineFeed } from './line-feed.ts'
import type { LineStream, SubscribeOptions } from './line-stream.ts'
import type { MaterializedQuery } from './materialized-query.ts'
import { seaHash } from './sea-hash.ts'
import { TouchedKeys } from './touched-keys.ts'

const slowFlushMs = 5000

export interface SubscriptionTiming {
  flushMs: number
  idleMs: number
  purgeMs: number
}

export interface SubscriptionOptions {
  id: string
  folder: string
  query: FollowedQuery
  rows: MaterializedQuery
  timing: SubscriptionTiming
  log: Log
  /** It is idle, or cannot be followed any longer; its folder is gone. */
  onRemoved: () => void
}

// A real agent's matcher takes so long over a full buffer: the updates feed, which runs no query, has
// told the same keys before.
const fullFlushMs = 20

/** One statement that is followed, for all who have asked for it. */
export class Subscription {
  readonly id: string
  readonly hash: string
  readonly folder: string
  readonly query: FollowedQuery
  readonly #rows: MaterializedQuery
  readonly #log: Log
  readonly #feeds = new Set<LineFeed>()
  readonly #touched = new TouchedKeys()
  readonly #flushTimer: FlushTimer
  readonly #purgeTimer: NodeJS.Timeout
  readonly #idleMs: number
  readonly #onRemoved: () => void
  readonly #startedAt = performance.now()
  #idleTimer: NodeJS.Timeout | undefined
  #spentMs = 0
  #isOpen = true

  constructor({ id, folder, query, rows, timing, log, onRemoved }: SubscriptionOptions) {
    this.id = id
    this.hash = seaHash(query.sql)
    this.folder = folder
    this.query = query
    this.#rows = rows
    this.#log = log
    this.#onRemoved = onRemoved
    this.#flushTimer = new FlushTimer(timing.flushMs, () => this.#flush())
    this.#purgeTimer = setInterval(() => rows.purge(), timing.purgeMs).unref()
    this.#idleMs = timing.idleMs
    rows.purge()
    this.#awaitReaders()
  }

  get lastChangeId(): number {
    return this.#rows.lastChangeId
  }

  /** Of each second since it began, so many milliseconds went into it. */
  get msPerSecondCost(): number {
    return (this.#spentMs * 1000) / (performance.now() - this.#startedAt)
  }

  /** What is looked at is columns, not values: as Corrosion decides whether a row may have changed. */
  touch(change: Change): void {
    if (change.cid !== sentinel && !this.query.mentioned.has(change.cid)) return
    this.#touched.add(change)
    if (this.#touched.size >= flushKeys) this.#flushTimer.startNow(fullFlushMs)
    else this.#flushTimer.start()
  }

  stream({ from = 0, skipRows = false, signal }: SubscribeOptions): LineStream {
    const feed = new LineFeed()
    this.#feeds.add(feed)
    clearTimeout(this.#idleTimer)
    const leave = (): void => {
      feed.clear()
      feed.end()
      if (this.#feeds.delete(feed) && this.#feeds.size === 0) this.#awaitReaders()
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    const past = from > 0 ? () => this.#rows.changesSince(from) : () => this.#rows.snapshot()
    const isOpen = (): boolean => this.#isOpen && this.#feeds.has(feed)
    const lines = async function* (): AsyncGenerator<string> {
      try {
        if (from > 0 || !skipRows) {
          if (!isOpen()) return
          feed.clear() // What it has is in the past that is read now.
          let last = ''
          for (const text of past()) {
            yield text
            last = text
          }
          if (last.startsWith('{"error":')) return
        }
        yield* feed
      } finally {
        signal.removeEventListener('abort', leave)
        leave()
      }
    }
    return { id: this.id, hash: this.hash, lines: lines() }
  }

  /** Records what is waiting, and leaves the folder so that it can be gone on with. */
  complete(): void {
    // Nobody hears of it any more: it is there to be resumed from.
    for (const feed of this.#feeds) feed.end()
    this.#flush()
    if (!this.#isOpen) return
    this.#rows.complete()
    this.#end()
  }

  /** Nobody can come back to it. */
  remove(): void {
    if (!this.#isOpen) return
    this.#end()
    rmSync(this.folder, { recursive: true, force: true })
    this.#onRemoved()
  }

  #flush(): void {
    if (this.#touched.size === 0 || !this.#isOpen) return
    const startedAt = performance.now()
    try {
      const lines = this.#rows.flush(this.#touched.take().map(({ pk }) => pk))
      for (const feed of lines.length > 0 ? this.#feeds : []) {
        if (!feed.push(lines)) this.#log.warn('subscription stream lags and ends', { id: this.id })
      }
    } catch (error) {
      this.#log.error('subscription cannot be followed any longer', { id: this.id, error })
      this.remove()
    }
    const tookMs = performance.now() - startedAt
    this.#spentMs += tookMs
    if (tookMs >= slowFlushMs) this.#log.warn('subscription is slow', { id: this.id, tookMs })
  }

  #awaitReaders(): void {
    if (!this.#isOpen) return
    this.#idleTimer = setTimeout(() => {
      this.#log.info('subscription has no readers and is removed', { id: this.id })
      this.remove()
    }, this.#idleMs).unref()
  }

  #end(): void {
    this.#isOpen = false
    clearTimeout(this.#idleTimer)
    clearInterval(this.#purgeTimer)
    this.#flushTimer[Symbol.dispose]()
    for (const feed of this.#feeds) feed.end()
    this.#rows[Symbol.dispose]()
  }
}
