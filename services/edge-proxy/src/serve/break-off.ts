import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * Closes a connection so that the other side sees it was broken off: by a reset, or of TLS by an end
 * that TLS did not announce. One whose end was sent before has all that it was to have, and is closed:
 * Node neither resets it then nor closes it, when it is asked for a reset.
 */
export function breakOff(socket: Socket): void {
  if (socket instanceof TLSSocket || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
