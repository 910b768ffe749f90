import type { Bus, Connection } from './bus.ts'

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
