import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Sink } from './reader.ts'

// What comes in one burst, with a few large messages in it, must fit.
const maxQueuedBytes = 4 * 1024 * 1024
// For a page that catches up: what it has not taken by then it does not take.
const stallMs = 10_000
// For the notice to reach a page that is too slow, behind what the system holds for it already.
const partingMs = 30_000
const endingMs = 1000

/** Begins to answer with server-sent events. */
export function openSink(response: ServerResponse, log: Logger, onCutOff: () => void): Sink {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
    connection: 'close',
  })
  let isBlocked = !response.write('retry: 1000\n\n')
  // Not in the response, which cannot forget what it was given.
  let queue: Uint8Array[] = []
  let queuedBytes = 0

  const isOver = (): boolean => response.writableEnded || response.destroyed
  const endWithin = (timeMs: number, last?: string): void => {
    if (!response.writableEnded) response.end(last)
    setTimeout(() => response.destroy(), timeMs).unref()
  }
  const cutOff = (): void => {
    if (isOver()) return
    log.info({ queuedBytes }, 'slow reader of live events dropped')
    queue = []
    endWithin(
      partingMs,
      'event: dropped\ndata: {"reason":"events came faster than they were read"}\n\n',
    )
    onCutOff()
  }
  response.on('drain', () => {
    if (isOver()) return
    isBlocked = false
    let bytes: Uint8Array | undefined
    while (!isBlocked && (bytes = queue.shift())) {
      queuedBytes -= bytes.length
      isBlocked = !response.write(bytes)
    }
  })

  return {
    write(bytes) {
      if (isOver()) return
      if (!isBlocked) {
        isBlocked = !response.write(bytes)
        return
      }
      queue.push(bytes)
      queuedBytes += bytes.length
      if (queuedBytes > maxQueuedBytes) cutOff()
    },
    drained() {
      if (!isBlocked || isOver()) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      const stalled = setTimeout(cutOff, stallMs)
      const settle = (): void => {
        if (isBlocked && !isOver()) return
        clearTimeout(stalled)
        response.off('drain', settle).off('close', settle)
        resolve()
      }
      response.on('drain', settle).on('close', settle)
      return promise
    },
    end() {
      if (!isOver()) for (const bytes of queue) response.write(bytes)
      queue = []
      endWithin(endingMs)
    },
  }
}
