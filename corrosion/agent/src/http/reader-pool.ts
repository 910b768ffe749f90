import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { Duplex, Readable } from 'node:stream'
import { serialize } from 'node:v8'
import type { Log } from '../log.ts'
import type { Statement } from '../store/statement.ts'
import { createFrameDecoder, type FrameKind } from './reader-frames.ts'

export type QueryAnswer =
  | { kind: 'lines'; lines: Readable }
  /** It could not be prepared, or would write. */
  | { kind: 'refused'; message: string }
  /** It could not be begun: its parameters do not fit, or there is no reader. */
  | { kind: 'failed'; message: string }

export interface ReaderPoolOptions {
  path: string
  actorId: string
  log: Log
}

export interface ReaderPool {
  /**
   * Resolves when it is known whether there are lines. `timeoutMs` bounds the time between two rows.
   * Destroying the lines ends the query, and so does the signal while there are none.
   */
  query(
    statement: Statement,
    options: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<QueryAnswer>
  close(): Promise<void>
}

interface Job {
  request: Buffer
  timeoutMs: number | undefined
  lines: Readable | undefined
  answer: (answer: QueryAnswer) => void
}

const readerPath = join(import.meta.dirname, 'reader-process.mjs')
// It makes little garbage that lives; without this it keeps up to 48 MB of room for that.
const smallHeap = '--max-semi-space-size=1'
const maxReaders = 4
// Queries that are shorter are worth waiting for: another process takes 55 MB.
const patienceMs = 100
const idleMs = 30_000
const maxTimerMs = 2 ** 31 - 1

/** Processes that answer queries: one always, more while queries wait. */
export function startReaderPool({ path, actorId, log }: ReaderPoolOptions): ReaderPool {
  const readers = new Set<Reader>()
  const idle: Reader[] = []
  const waiting: Job[] = []
  let impatience: NodeJS.Timeout | undefined
  let isClosed = false

  const start = () => {
    const reader = new Reader([path, actorId], {
      free() {
        const job = waiting.shift()
        if (job) {
          reader.run(job)
          return
        }
        idle.push(reader)
        reader.whenIdleFor(idleMs, () => {
          if (readers.size === 1) return
          forget(reader)
          void reader.end()
        })
      },
      ended(problem, hadStarted) {
        forget(reader)
        if (isClosed) return
        if (problem) log.warn('reader ended', { problem })
        if (readers.size > 0) return
        if (hadStarted) start()
        // It would not start the next time either, and those who wait must hear it.
        else for (const job of waiting.splice(0)) job.answer(failed(problem ?? 'no reader'))
      },
    })
    readers.add(reader)
  }

  const forget = (reader: Reader) => {
    readers.delete(reader)
    if (idle.includes(reader)) idle.splice(idle.indexOf(reader), 1)
  }
  const startAnother = () => {
    impatience = undefined
    if (waiting.length === 0 || isClosed) return
    if ([...readers].every((reader) => reader.isBusyFor(patienceMs))) start()
    grow()
  }
  const grow = () => {
    if (readers.size < maxReaders) impatience ??= setTimeout(startAnother, patienceMs)
  }

  start()
  return {
    query(statement, { timeoutMs, signal }) {
      const { promise, resolve } = Promise.withResolvers<QueryAnswer>()
      if (isClosed || signal?.aborted) return Promise.resolve(failed('the query was given up'))
      const job: Job = {
        request: encodeRequest(statement),
        timeoutMs,
        lines: undefined,
        answer: resolve,
      }
      signal?.addEventListener('abort', () => {
        if (job.lines) return
        if (waiting.includes(job)) waiting.splice(waiting.indexOf(job), 1)
        for (const reader of readers) reader.giveUp(job)
        resolve(failed('the query was given up'))
      })
      const reader = idle.pop()
      if (reader) reader.run(job)
      else {
        waiting.push(job)
        if (readers.size === 0) start()
        else grow()
      }
      return promise
    },
    async close() {
      isClosed = true
      clearTimeout(impatience)
      for (const job of waiting.splice(0)) job.answer(failed('the agent stops'))
      await Promise.all([...readers].map((reader) => reader.end()))
    },
  }
}

/** One process. */
class Reader {
  readonly #child: ChildProcess
  readonly #free: () => void
  readonly #talk: Duplex
  readonly #ended: Promise<void>
  readonly #message: Buffer[] = []
  #job: Job | undefined
  #timer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #hasStarted = false
  #hasTimedOut = false
  #isKilled = false
  #busySince = 0

  constructor(
    argv: readonly string[],
    {
      free,
      ended,
    }: { free: () => void; ended: (problem: string | undefined, hadStarted: boolean) => void },
  ) {
    this.#free = free
    // One pipe to talk, and one that only tells the reader that this process has died.
    this.#child = spawn(process.execPath, [smallHeap, readerPath, ...argv], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
    })
    const talk = this.#child.stdio[3]
    if (!(talk instanceof Duplex)) throw new Error('unreachable: a reader has a pipe')
    this.#talk = talk
    // The end of the process is what counts; that its pipe breaks before is no news.
    talk.on('error', () => {})
    talk.on(
      'data',
      createFrameDecoder((...frame) => {
        this.#take(...frame)
      }),
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = promise
    let problem: string | undefined
    this.#child.on('error', (error) => {
      problem = error.message
    })
    this.#child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') problem ??= `a reader ended with ${signal ?? code}`
      this.#finish(problem)
      resolve()
      ended(problem, this.#hasStarted)
    })
  }

  run(job: Job): void {
    clearTimeout(this.#idleTimer)
    this.#job = job
    this.#busySince = performance.now()
    this.#talk.resume()
    this.#talk.write(job.request)
    this.#watch()
  }

  /** With one query; not while it starts. */
  isBusyFor(ms: number): boolean {
    return this.#job !== undefined && performance.now() - this.#busySince >= ms
  }

  giveUp(job: Job): void {
    if (job === this.#job) this.#kill()
  }

  whenIdleFor(ms: number, listener: () => void): void {
    this.#idleTimer = setTimeout(listener, ms).unref()
  }

  end(): Promise<void> {
    this.#kill()
    return this.#ended
  }

  #kill(): void {
    this.#isKilled = true
    this.#child.kill('SIGKILL')
    // What it sent before must be read, or its end is not seen.
    this.#talk.resume()
  }

  /** (Re)starts the time within which the next row has to come. */
  #watch(): void {
    const timeoutMs = this.#job?.timeoutMs
    if (this.#timer) this.#timer.refresh()
    else if (timeoutMs !== undefined && timeoutMs <= maxTimerMs) {
      this.#timer = setTimeout(() => {
        this.#hasTimedOut = true
        this.#kill()
      }, timeoutMs)
    }
  }

  #unwatch(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #take(kind: FrameKind, piece: Buffer, isLast: boolean): void {
    if (kind === 'started') {
      this.#hasStarted = true
      this.#free()
      return
    }
    const job = this.#job
    if (!job) throw new Error('unreachable: a reader answers what was not asked')
    if (kind === 'lines' || kind === 'last') this.#pass(job, piece)
    else this.#message.push(piece)
    if (kind === 'lines' || !isLast) return
    if (kind === 'last') job.lines?.push(null)
    else job.answer({ kind, message: Buffer.concat(this.#message.splice(0)).toString() })
    this.#unwatch()
    this.#job = undefined
    // One that is being killed has only finished before it noticed.
    if (!this.#isKilled) this.#free()
  }

  #pass(job: Job, piece: Buffer): void {
    this.#watch()
    const lines = this.#linesOf(job)
    if (lines.destroyed || lines.push(piece)) return
    // A client that reads slowly holds up the reader, and that is no timeout.
    this.#talk.pause()
    this.#unwatch()
  }

  #linesOf(job: Job): Readable {
    if (job.lines) return job.lines
    const lines = new Readable({
      read: () => {
        if (this.#job !== job || !this.#talk.isPaused()) return
        this.#talk.resume()
        this.#watch()
      },
      destroy: (error, callback) => {
        this.giveUp(job)
        callback(error)
      },
    })
    job.lines = lines
    job.answer({ kind: 'lines', lines })
    return lines
  }

  /** The process is gone. */
  #finish(problem: string | undefined): void {
    this.#unwatch()
    clearTimeout(this.#idleTimer)
    const job = this.#job
    this.#job = undefined
    if (!job) return
    if (this.#hasTimedOut) {
      this.#linesOf(job).push('{"error":"interrupted"}\n')
      job.lines?.push(null)
    } else if (job.lines) job.lines.destroy()
    else job.answer(failed(problem ?? 'the reader ended'))
  }
}

function failed(message: string): QueryAnswer {
  return { kind: 'failed', message }
}

function encodeRequest(statement: Statement): Buffer {
  const body = serialize(statement)
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32LE(body.length)
  return Buffer.concat([head, body])
}
