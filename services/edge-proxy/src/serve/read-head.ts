import type { Socket } from 'node:net'

/** What a reader makes of the first bytes of a connection; `length`: how many of them it takes away. */
export type HeadState<Head> =
  | { state: 'more' }
  | { state: 'done'; length: number; head: Head }
  | { state: 'bad'; reason: string }

/**
 * Reads until `read` has its head; what is left stays to be read from the socket, which is paused.
 * Calls back once, unless the socket closes before.
 */
export function readHead<Head>(
  socket: Socket,
  deadlineMs: number,
  read: (bytes: Buffer) => HeadState<Head>,
  onDone: (outcome: { head: Head } | { reason: string }) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const done = (outcome: { head: Head } | { reason: string }, rest?: Buffer): void => {
    clearTimeout(deadline)
    socket.pause()
    socket.off('data', take)
    socket.off('end', ended)
    socket.off('close', closed)
    if (rest !== undefined && rest.length > 0) socket.unshift(rest)
    onDone(outcome)
  }
  const take = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const found = read(bytes)
    if (found.state === 'bad') done({ reason: found.reason })
    else if (found.state === 'done') done({ head: found.head }, bytes.subarray(found.length))
  }
  const ended = (): void => done({ reason: `ended after ${bytes.length} bytes` })
  const closed = (): void => clearTimeout(deadline)
  const deadline = setTimeout(
    () => done({ reason: `incomplete after ${deadlineMs} ms` }),
    deadlineMs,
  )
  socket.on('data', take)
  socket.on('end', ended)
  socket.on('close', closed)
  socket.resume()
}
