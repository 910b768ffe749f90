import { connect, type Socket } from 'node:net'

/** One connection that is open before it is needed. */
export interface SpareConnection extends Disposable {
  /** The open connection, if there is one. It is the caller's; another is opened in its place. */
  take(): Socket | undefined
}

export function createSpareConnection(host: string, port: number): SpareConnection {
  let spare: Socket | undefined
  let isClosed = false

  const open = () => {
    if (isClosed || spare !== undefined) return
    const socket = connect({ host, port })
    // Nobody waits for it, so it must not keep a process alive.
    socket.unref()
    const forget = () => {
      if (spare === socket) spare = undefined
    }
    socket.once('error', forget)
    socket.once('close', forget)
    socket.once('connect', () => {
      if (isClosed) socket.destroy()
      else spare = socket
    })
  }

  return {
    take() {
      const taken = spare?.readyState === 'open' ? spare : undefined
      spare = undefined
      taken?.ref()
      // After the request that takes this one is on its way.
      setImmediate(open)
      return taken
    },
    [Symbol.dispose]() {
      isClosed = true
      spare?.destroy()
    },
  }
}
