import type { Socket } from 'node:net'
import { createResponseParser, type ResponseParts } from './http-response.ts'

export interface ExchangeEvents extends ResponseParts {
  connected(): void
  /** The response is not whole, or is none. Tells whether any byte of it came. */
  failed(error: unknown, hasAnswered: boolean): void
}

/**
 * Sends one request over a connection, which is used up by it. The caller destroys the socket when
 * the response has ended, or when it wants no more of it.
 */
export function exchange(socket: Socket, request: string, on: ExchangeEvents): void {
  const parser = createResponseParser(on)
  let hasAnswered = false

  const read = (step: () => void) => {
    try {
      step()
    } catch (error) {
      on.failed(error, hasAnswered)
    }
  }
  socket.once('connect', () => on.connected())
  socket.on('data', (bytes) => {
    hasAnswered = true
    // No encoding is set, so it is never a string.
    read(() => parser.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes))
  })
  socket.once('end', () => read(() => parser.close()))
  socket.on('error', (error) => on.failed(error, hasAnswered))
  socket.write(request)
}
