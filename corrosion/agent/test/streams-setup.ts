import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { createClock } from '../src/clock.ts'
import { createLog } from '../src/log.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Statement } from '../src/store/statement.ts'
import type { Store } from '../src/store/store.ts'
import type { LineStream, SubscribeOptions } from '../src/streams/line-stream.ts'
import { openStreams, type Streams, type StreamTiming } from '../src/streams/streams.ts'

const schemas = join(import.meta.dirname, '../../schemas')
const deadlineMs = 10_000

export interface StreamsSetup extends Disposable {
  readonly store: Store
  readonly streams: Streams
  readonly logged: string[]
  /** Where the subscriptions are. */
  readonly folder: string
  transact(...statements: string[]): void
  subscribe(statement: string | Statement, options?: Partial<SubscribeOptions>): Reader
  resume(id: string, options?: Partial<SubscribeOptions>): Reader
  updates(table: string): Reader
  /** Ends both gracefully, and opens them again. */
  restart(): void
}

/** Streams of a new store with the project's tables and some more. */
export function setUpStreams(timing: Partial<StreamTiming> = { flushMs: 30 }): StreamsSetup {
  const temporary = createTemporaryFolder()
  const path = join(temporary.path, 'corrosion.db')
  const folder = join(temporary.path, 'subscriptions')
  const clock = createClock()
  const logged: string[] = []
  const log = createLog({ format: 'plaintext', level: 'warn', write: (line) => logged.push(line) })
  const readers = new Set<Reader>()
  const open = () => {
    const store = openStore({ path, now: () => clock.now() })
    return { store, streams: openStreams({ store, folder, log, timing }) }
  }
  const close = (): void => {
    running.streams.close()
    running.store[Symbol.dispose]()
  }
  let running = open()
  const files = readdirSync(schemas).map((name) => readFileSync(join(schemas, name), 'utf8'))
  // The recorded agents had it without a default of its own.
  const tables = files.join(';').replace("DEFAULT 'no_id'", "DEFAULT ''")
  running.store.applySchema(`${tables};${moreTables}`)
  const read = (start: (signal: AbortSignal) => LineStream): Reader => {
    const reader = new Reader(start)
    readers.add(reader)
    return reader
  }

  return {
    folder,
    logged,
    get store() {
      return running.store
    },
    get streams() {
      return running.streams
    },
    transact(...statements) {
      running.store.transact(statements.map((sql) => ({ sql, params: [] })))
    },
    subscribe(statement, options) {
      const full = typeof statement === 'string' ? { sql: statement, params: [] } : statement
      return read((signal) => running.streams.subscribe(full, { signal, ...options }))
    },
    resume(id, options) {
      return read((signal) => running.streams.resume(id, { signal, ...options }))
    },
    updates(table) {
      return read((signal) => running.streams.updates(table, { signal }))
    },
    restart() {
      close()
      running = open()
    },
    [Symbol.dispose]() {
      for (const reader of readers) reader.leave()
      close()
      temporary[Symbol.dispose]()
    },
  }
}

export const moreTables = `
CREATE TABLE pair (a INTEGER NOT NULL, b TEXT NOT NULL, v TEXT NOT NULL DEFAULT '', w BLOB, "odd name" TEXT NOT NULL DEFAULT '',
  g TEXT GENERATED ALWAYS AS (upper(v)) VIRTUAL, PRIMARY KEY (a, b));
CREATE TABLE key_only (id INTEGER NOT NULL PRIMARY KEY);
`

/** Reads one stream as it comes. */
export class Reader {
  readonly stream: LineStream
  readonly #gone = new AbortController()
  readonly #lines: string[] = []
  #isEnded = false
  #changed = Promise.withResolvers<void>()

  constructor(start: (signal: AbortSignal) => LineStream) {
    this.stream = start(this.#gone.signal)
    void this.#read()
  }

  /** So many more lines; those that tell a time with it masked. */
  async lines(count: number): Promise<string[]> {
    await this.#until(() => this.#lines.length >= count, `${count} lines`)
    return this.#lines.splice(0, count).map(masked)
  }

  /** All lines up to the end of the snapshot. */
  async snapshot(): Promise<string[]> {
    const end = () => this.#lines.findIndex((line) => line.startsWith('{"eoq"'))
    await this.#until(() => end() !== -1, 'the end of the snapshot')
    return this.lines(end() + 1)
  }

  /** What has come and was not taken, once the stream has ended. */
  async rest(): Promise<string[]> {
    await this.#until(() => this.#isEnded, 'the end of the stream')
    return this.#lines.splice(0).map(masked)
  }

  leave(): void {
    this.#gone.abort()
  }

  async #read(): Promise<void> {
    for await (const text of this.stream.lines) {
      this.#lines.push(...text.split('\n').slice(0, -1))
      this.#change()
    }
    this.#isEnded = true
    this.#change()
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  async #until(isReached: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + deadlineMs
    while (!isReached()) {
      const leftMs = deadline - performance.now()
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, Math.max(leftMs, 0))
      await Promise.race([this.#changed.promise, late.promise])
      clearTimeout(timer)
      if (leftMs <= 0) throw new Error(`${what} did not come; there is ${this.#lines.join(' ')}`)
    }
  }
}

export function masked(line: string): string {
  return line.replace(/("eoq":\{"time":)[^,]+/, '$1T')
}
