import { type Bus, type Connection, onAborted } from './bus.ts'

/** Does `work` once, with the connection that is there or comes next, and gives its outcome. */
export async function onceConnected<T>(
  bus: Bus,
  work: (connection: Connection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  await using _working = bus.onConnected((connection, signal) =>
    work(connection, signal).then(resolve, reject),
  )
  return await promise
}

/** Does `work` with the connection that is there. Throws when NATS is away, is lost, or the time over. */
export async function whileConnected<T>(
  bus: Bus,
  timeoutMs: number,
  work: (connection: Connection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (!bus.isConnected) throw new Error('nats is not connected')
  const deadline = AbortSignal.timeout(timeoutMs)
  return await onceConnected(bus, async (connection, signal) => {
    const stop = AbortSignal.any([signal, deadline])
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    using _stop = onAborted(stop, () =>
      reject(new Error(signal.aborted ? 'nats was lost' : `no answer in ${timeoutMs} ms`)),
    )
    return await Promise.race([work(connection, stop), stopped])
  })
}
