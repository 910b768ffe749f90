import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { breakOff } from './break-off.ts'

/** Why both are closed: all was carried, one of them broke off, nothing was said for too long, or this proxy stops. */
export type Ending = 'done' | 'client' | 'backend' | 'idle' | 'cut-off'

export interface Relay {
  /** Breaks both off. */
  cutOff(): void
}

/**
 * Carries bytes both ways until both sides have ended, each by itself: who says no more may still be
 * answered. A side that breaks off takes the other with it, by a reset, so that nobody takes half an
 * answer for a whole one. `onEnd` is called once, when both are closed.
 */
export function relay(
  client: Socket,
  backend: Socket,
  idleMs: number,
  onEnd: (ending: Ending) => void,
): Relay {
  let ending: Ending = 'done'
  let open = 2
  const breakBoth = (why: Ending): void => {
    if (ending === 'done') ending = why
    breakOff(client)
    breakOff(backend)
  }
  const closed = (): void => {
    open -= 1
    if (open === 0) onEnd(ending)
  }

  carry(client, backend)
  carry(backend, client)
  client.on('error', () => breakBoth('client'))
  backend.on('error', () => breakBoth('backend'))
  client.on('close', closed)
  backend.on('close', closed)
  // What the backend says is written to the client, so its timer knows of both ways.
  if (idleMs > 0) client.setTimeout(idleMs, () => breakBoth('idle'))
  return { cutOff: () => breakBoth('cut-off') }
}

function carry(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  const ended = (): void => {
    // Where the other has said its last word too, and has it all, closing tells it as well.
    const isOver = to.readableEnded && to.writableLength === 0 && !(to instanceof TLSSocket)
    if (isOver) to.destroy()
    else to.end()
  }
  // A client may have ended while its backend was connected to.
  if (from.readableEnded) ended()
  else from.on('end', ended)
}
