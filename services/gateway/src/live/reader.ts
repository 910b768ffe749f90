import type { TailPosition } from '@corroport/bus'
import type { LiveNotice, LiveNoticeName } from '@corroport/contracts'
import { createSampler } from './sampler.ts'

/** Where bytes go: one open page. */
export interface Sink {
  /** Cuts the page off, with a notice, when it has too much that it did not take yet. */
  write(bytes: Uint8Array): void
  /** Undefined unless something waits to be taken. Cuts the page off when that takes too long. */
  drained(): Promise<void> | undefined
  end(): void
}

export interface ReaderOptions {
  wants: (subject: string) => boolean
  /** Without it: from now on. */
  from?: TailPosition | undefined
  /** Events a second. */
  rate?: number | undefined
  wantsStatus: boolean
  /** Asked each second. */
  isStillAllowed: () => boolean
  sink: Sink
}

export interface Reader {
  /** The place behind the last record that it was given or did not want; undefined before the first look. */
  position: TailPosition | undefined
  readonly wantsStatus: boolean
  isStillAllowed(): boolean
  /** The frame is made only if it is wanted. */
  take(subject: string, frame: () => string): void
  tell(name: LiveNoticeName, notice: LiveNotice): void
  push(frame: string): void
  /** Once a second. */
  turn(): void
  flush(): void
  drained(): Promise<void> | undefined
  end(): void
}

// What a reader that catches up is given in one tick must not grow without a bound.
const flushedLength = 256 * 1024

export interface Outlet {
  /** Asks for `flush` of all readers, soon. */
  ask(): void
  encode(frames: readonly string[]): Buffer
}

export function createReader(options: ReaderOptions, outlet: Outlet): Reader {
  const { wants, rate, wantsStatus, isStillAllowed, sink } = options
  const sampler = rate === undefined ? undefined : createSampler(rate)
  let pending: string[] = []
  let pendingLength = 0

  const push = (frame: string): void => {
    pending.push(frame)
    pendingLength += frame.length
    if (pendingLength > flushedLength) flush()
    else outlet.ask()
  }
  const flush = (): void => {
    if (pending.length === 0) return
    sink.write(outlet.encode(pending))
    pending = []
    pendingLength = 0
  }
  const tell = (name: LiveNoticeName, notice: LiveNotice): void =>
    push(`event: ${name}\ndata: ${JSON.stringify(notice)}\n\n`)

  return {
    position: options.from,
    wantsStatus,
    isStillAllowed,
    push,
    flush,
    tell,
    take(subject, frame) {
      if (wants(subject) && (sampler?.admits() ?? true)) push(frame())
    },
    turn() {
      const count = sampler?.turn() ?? 0
      if (count > 0) tell('skipped', { count })
    },
    drained: () => sink.drained(),
    end() {
      flush()
      sink.end()
    },
  }
}
