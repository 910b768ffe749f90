import { readServerSentEvents, type ServerSentEvent } from '@corroport/contracts'
import { messageOf } from '../api/errors.ts'

/**
 * Where the stream of live events stands:
 *
 *     connecting ─▶ open ─▶ lost ─▶ connecting …        (asleep while nobody looks at the page)
 *         └──────────────▶ denied                       (until somebody signs in)
 */
export type ConnectionState =
  | { name: 'connecting' }
  | { name: 'open' }
  | { name: 'lost'; reason: string }
  | { name: 'denied'; reason: string }
  | { name: 'asleep' }

interface ConnectionOptions {
  /** The address, with the place to resume from. */
  address: (cursor: string | undefined) => string
  /** Gives the reason where this is the last event of the stream. */
  onEvent: (event: ServerSentEvent) => string | undefined
  /** It goes on, but not from where it stood. */
  onGap: (reason: string) => void
  onState: (state: ConnectionState) => void
}

export interface Connection {
  /** Asks again with another address, from the place that was reached. */
  reopen(): void
}

// The gateway says each second that it is there.
const silenceMs = 2200
const restsMs = [100, 250, 500, 1000, 2000]
/** A stream that lasted so long was a good one. */
const settledMs = 2000
const sleepAfterMs = 60_000

/** Keeps one stream of events open, and goes on from the last place after each loss. */
export function openConnection(options: ConnectionOptions): Connection {
  const { address, onEvent, onGap, onState } = options
  let attempt = new AbortController()
  let cursor: string | undefined
  let losses = 0
  let mustSleep = false

  const readOnce = async (signal: AbortSignal): Promise<ConnectionState> => {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), silenceMs)
    const heard = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silenceMs)
    }
    try {
      const response = await fetch(address(cursor), {
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.any([signal, silence.signal]),
      })
      if (response.status === 401 || response.status === 403) {
        return { name: 'denied', reason: `answered ${response.status}` }
      }
      if (response.status === 400 && cursor !== undefined) {
        // Of another version: with this place it would be refused for ever.
        cursor = undefined
        onGap('the gateway does not know the place where this page stood')
      }
      if (!response.ok || !response.body) {
        return { name: 'lost', reason: `the gateway answered ${response.status}` }
      }
      onState({ name: 'open' })
      let reason = 'the gateway ended the stream'
      for await (const event of readServerSentEvents(chunksOf(response.body, heard))) {
        if (event.id !== undefined) cursor = event.id
        if (event.data !== undefined) reason = onEvent(event) ?? reason
      }
      return { name: 'lost', reason }
    } catch (error) {
      if (signal.aborted) return { name: 'connecting' }
      return { name: 'lost', reason: silence.signal.aborted ? silent : reasonOf(error) }
    } finally {
      clearTimeout(timer)
    }
  }

  const run = async (): Promise<never> => {
    for (;;) {
      if (mustSleep) {
        onState({ name: 'asleep' })
        await untilShown()
        mustSleep = false
      }
      attempt = new AbortController()
      onState({ name: 'connecting' })
      const { signal } = attempt
      const startedAt = performance.now()
      const state = await readOnce(signal)
      if (performance.now() - startedAt > settledMs) losses = 0
      if (signal.aborted) continue
      onState(state)
      await restFor(state.name === 'denied' ? Infinity : restMsAfter(losses++), signal)
    }
  }
  void run()

  const sleepWhenHidden = async (): Promise<void> => {
    if (!(await isHiddenFor(sleepAfterMs))) return
    mustSleep = true
    attempt.abort()
  }
  document.addEventListener('visibilitychange', () => void sleepWhenHidden())
  void sleepWhenHidden()
  // What is open may hang, or need no network: asking anew tells which.
  window.addEventListener('offline', () => attempt.abort())

  return { reopen: () => attempt.abort() }
}

const silent = `nothing was heard for ${silenceMs / 1000} s`

function reasonOf(error: unknown): string {
  // Of all that goes wrong on the way, a browser says no more than that.
  return error instanceof TypeError ? 'the gateway cannot be reached' : messageOf(error)
}

/** By chance a half more or less: after a restart of the gateway all pages come at once. */
function restMsAfter(losses: number): number {
  return (restsMs[losses] ?? restsMs.at(-1) ?? 0) * (0.5 + Math.random())
}

// Not every browser iterates a stream by itself.
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onChunk()
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined) // it is broken already
  }
}

/** Ends early when the machine is online again, or when the page is shown. */
function restFor(ms: number, signal: AbortSignal): Promise<void> {
  const woken = new AbortController()
  const either = AbortSignal.any([signal, woken.signal])
  window.addEventListener('online', () => woken.abort(), { signal: either })
  document.addEventListener('visibilitychange', () => woken.abort(), { signal: either })
  return new Promise((resolve) => {
    const timer = ms === Infinity ? undefined : setTimeout(() => woken.abort(), ms)
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    if (either.aborted) end()
    either.addEventListener('abort', end, { once: true })
  })
}

/** Whether nobody looks at the page, for so long. */
function isHiddenFor(ms: number): Promise<boolean> {
  if (!document.hidden) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', end)
      resolve(document.hidden)
    }
    const timer = setTimeout(end, ms)
    document.addEventListener('visibilitychange', end)
  })
}

function untilShown(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      if (document.hidden) return
      document.removeEventListener('visibilitychange', end)
      resolve()
    }
    document.addEventListener('visibilitychange', end)
    end()
  })
}
