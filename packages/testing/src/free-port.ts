import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the range from which systems give ports to outgoing connections, which come at any moment.
const lowest = 10_240
const highest = 32_767

// Two that are asked for before either is used must not be one.
const given = new Set<number>()

/** A port of loopback that nobody used a moment ago, neither by TCP nor by UDP; never the same twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1))
    if (given.has(port)) continue
    given.add(port)
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port
  }
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer()
  const isFree = await listens(server, () => server.listen(port, '127.0.0.1'))
  if (isFree) {
    server.close()
    await once(server, 'close')
  }
  return isFree
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  const isFree = await listens(socket, () => socket.bind(port, '127.0.0.1'))
  socket.close()
  return isFree
}

async function listens(opened: NodeJS.EventEmitter, open: () => unknown): Promise<boolean> {
  const outcome = once(opened, 'listening')
  open()
  try {
    await outcome
    return true
  } catch {
    return false // whatever the reason, it is not to be had
  }
}
