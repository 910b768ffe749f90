import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'

/** One connection that is open before it is needed. */
export interface SpareConnection extends Disposable {
  /** The connection, if there is one: open, opening, or closed by the agent just now. */
  take(): Socket | undefined
  /** Opens one where there is none: after an answer, because during it the agent would wait. */
  fill(): void
}

export function createSpareConnection(address: TcpNetConnectOpts): SpareConnection {
  let spare: Socket | undefined
  let isClosed = false

  return {
    take() {
      const taken = spare
      spare = undefined
      return taken?.ref()
    },
    fill() {
      // After the caller has got the answer for which it waits.
      setImmediate(() => {
        if (isClosed || spare !== undefined) return
        const socket = connect(address)
        spare = socket
        // Nobody waits for it, so it must not keep a process alive.
        socket.unref()
        const forget = () => {
          if (spare === socket) spare = undefined
        }
        socket.once('error', forget)
        socket.once('close', forget)
      }).unref()
    },
    [Symbol.dispose]() {
      isClosed = true
      spare?.destroy()
    },
  }
}
