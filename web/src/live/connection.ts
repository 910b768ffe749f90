import { readServerSentEvents, type ServerSentEvent } from '@corroport/contracts'

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

export interface ConnectionOptions {
  /** The address, with the place to resume from. */
  address: (cursor: string | undefined) => string
  onEvent: (event: ServerSentEvent) => void
  onState: (state: ConnectionState) => void
}

export interface Connection {
  /** Asks again with another address, from the place that was reached. */
  reopen(): void
  close(): void
}

// The gateway says each second that it is there.
const silenceMs = 2500
const restsMs = [100, 250, 500, 1000, 2000]
const sleepAfterMs = 60_000

/** Keeps one stream of events open, and goes on from the last place after each loss. */
export function openConnection({ address, onEvent, onState }: ConnectionOptions): Connection {
  const closing = new AbortController()
  let attempt = new AbortController()
  let cursor: string | undefined
  let losses = 0

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
      if (!response.ok || !response.body) {
        return { name: 'lost', reason: `the gateway answered ${response.status}` }
      }
      onState({ name: 'open' })
      losses = 0
      for await (const event of readServerSentEvents(chunksOf(response.body, heard))) {
        if (event.id !== undefined) cursor = event.id
        if (event.data !== undefined) onEvent(event)
      }
      return { name: 'lost', reason: 'the gateway ended the stream' }
    } catch {
      if (signal.aborted) return { name: 'connecting' }
      const isSilent = silence.signal.aborted
      return {
        name: 'lost',
        reason: isSilent
          ? `nothing was heard for ${silenceMs / 1000} s`
          : 'the gateway cannot be reached',
      }
    } finally {
      clearTimeout(timer)
    }
  }

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      if (document.hidden && (await isHiddenFor(sleepAfterMs, closing.signal))) {
        onState({ name: 'asleep' })
        await untilShown(closing.signal)
      }
      attempt = new AbortController()
      onState({ name: 'connecting' })
      const state = await readOnce(AbortSignal.any([closing.signal, attempt.signal]))
      if (attempt.signal.aborted || closing.signal.aborted) continue
      onState(state)
      const rest = state.name === 'denied' ? Infinity : (restsMs[losses++] ?? restsMs.at(-1) ?? 0)
      await restFor(rest, AbortSignal.any([closing.signal, attempt.signal]))
    }
  }
  void run()

  const sleeper = (): void => {
    if (!document.hidden) return
    void isHiddenFor(sleepAfterMs, closing.signal).then((isHidden) => isHidden && attempt.abort())
  }
  document.addEventListener('visibilitychange', sleeper, { signal: closing.signal })
  // What is open may hang, or need no network: asking anew tells which.
  window.addEventListener('offline', () => attempt.abort(), { signal: closing.signal })

  return {
    reopen: () => attempt.abort(),
    close: () => closing.abort(),
  }
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

/** Whether nobody looked at the page for so long. */
function isHiddenFor(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const over = new AbortController()
    const end = (isHidden: boolean): void => {
      clearTimeout(timer)
      over.abort()
      resolve(isHidden)
    }
    const timer = setTimeout(() => end(document.hidden), ms)
    const options = { signal: over.signal, once: true }
    document.addEventListener('visibilitychange', () => end(false), options)
    signal.addEventListener('abort', () => end(false), options)
  })
}

function untilShown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', end)
      resolve()
    }
    document.addEventListener('visibilitychange', end)
    signal.addEventListener('abort', end, { once: true })
    end()
  })
}
