import type { Log } from '../log.ts'
import type { Change } from '../store/change.ts'
import { unpackKey } from '../store/packed-key.ts'
import { notifyLine } from './event-lines.ts'
import { FlushTimer, flushKeys } from './flush-timer.ts'
import { groupLines, LineFeed } from './line-feed.ts'
import type { LineStream } from './line-stream.ts'
import { nameOf, TouchedKeys } from './touched-keys.ts'

const maxRemembered = 2000
const keptRemembered = 1000

export interface UpdateNotifierOptions {
  id: string
  table: string
  timing: { flushMs: number; unheardMs: number }
  log: Log
  onRemoved: () => void
}

/** Tells the keys of one table that were written, to all who listen. */
export class UpdateNotifier {
  readonly id: string
  readonly table: string
  readonly #log: Log
  readonly #onRemoved: () => void
  readonly #feeds = new Set<LineFeed>()
  readonly #touched = new TouchedKeys()
  readonly #flushTimer: FlushTimer
  readonly #unheardTimer: NodeJS.Timeout
  /** The causal lengths last told: what arrives late must not tell an older one. */
  readonly #told = new Map<string, number>()
  /** Only the first lines wait for others: a real agent never takes back that it has flushed. */
  #hasFlushed = false

  constructor({ id, table, timing, log, onRemoved }: UpdateNotifierOptions) {
    this.id = id
    this.table = table
    this.#log = log
    this.#onRemoved = onRemoved
    this.#flushTimer = new FlushTimer(timing.flushMs, () => this.#flush())
    this.#unheardTimer = setInterval(() => {
      if (this.#feeds.size === 0) this.remove()
    }, timing.unheardMs).unref()
  }

  stream(signal: AbortSignal): LineStream {
    const feed = new LineFeed()
    this.#feeds.add(feed)
    const leave = (): void => {
      feed.clear()
      feed.end()
      this.#feeds.delete(feed)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    const lines = async function* (): AsyncGenerator<string> {
      try {
        yield* feed
      } finally {
        signal.removeEventListener('abort', leave)
        leave()
      }
    }
    return { id: this.id, lines: lines() }
  }

  /** The changes of one transaction to this table. */
  touch(changes: readonly Change[]): void {
    const seen = new Set<string>()
    for (const change of changes) {
      const name = nameOf(change.pk)
      if (seen.has(name)) continue
      seen.add(name)
      if ((this.#told.get(name) ?? 0) > change.cl) continue
      this.#told.set(name, change.cl)
      this.#touched.add(change)
    }
    if (this.#told.size > maxRemembered) {
      const surplus = this.#told.size - keptRemembered
      for (const name of [...this.#told.keys()].slice(0, surplus)) this.#told.delete(name)
    }
    if (this.#touched.size === 0) return
    if (this.#hasFlushed) this.#flush()
    else if (this.#touched.size >= flushKeys) this.#flushTimer.startNow()
    else this.#flushTimer.start()
  }

  remove(): void {
    clearInterval(this.#unheardTimer)
    this.#flushTimer[Symbol.dispose]()
    for (const feed of this.#feeds) feed.end()
    this.#onRemoved()
  }

  #flush(): void {
    const keys = this.#touched.take()
    if (keys.length === 0) return
    this.#hasFlushed = true
    if (this.#feeds.size === 0) {
      this.remove()
      return
    }
    const lines = groupLines(
      keys.map(({ pk, cl }) => notifyLine(cl % 2 === 0 ? 'delete' : 'update', unpackKey(pk))),
    )
    for (const feed of this.#feeds) {
      if (!feed.push(lines)) this.#log.warn('updates stream lags and ends', { table: this.table })
    }
  }
}
