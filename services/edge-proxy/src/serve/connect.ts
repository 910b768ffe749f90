import { connect, type Socket } from 'node:net'

export interface Address {
  host: string
  port: number
}

/** Why there is no connection. `isOurs`: this proxy had no means, and the backend was not asked. */
export interface ConnectFailure {
  reason: string
  isOurs: boolean
}

const ours = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN'])

/** Calls back once: with a socket that is connected and reads nothing yet, or with why it is not. */
export function connectWithin(
  { host, port }: Address,
  deadlineMs: number,
  onDone: (outcome: Socket | ConnectFailure) => void,
): void {
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    autoSelectFamily: false,
  })
  const fail = (reason: string, isOurs: boolean): void => {
    clearTimeout(deadline)
    socket.removeListener('error', failed)
    socket.on('error', () => undefined) // destroying it may tell one
    socket.destroy()
    onDone({ reason, isOurs })
  }
  const failed = ({ code, message }: NodeJS.ErrnoException): void =>
    fail(code ?? message, code !== undefined && ours.has(code))
  const deadline = setTimeout(() => fail(`not connected in ${deadlineMs} ms`, false), deadlineMs)
  socket.once('error', failed)
  socket.once('connect', () => {
    clearTimeout(deadline)
    socket.removeListener('error', failed)
    onDone(socket)
  })
}
