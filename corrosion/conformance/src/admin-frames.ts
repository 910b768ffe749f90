import { once } from 'node:events'
import { connect } from 'node:net'

const frameTimeoutMs = 5_000

/** All frames that an agent answers to one request on its admin socket, as their JSON texts. */
export async function askAdmin(path: string, request: unknown): Promise<string[]> {
  const socket = connect({ path, signal: AbortSignal.timeout(frameTimeoutMs) })
  await once(socket, 'connect')
  const text = Buffer.from(JSON.stringify(request))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  socket.write(Buffer.concat([length, text]))

  const frames: string[] = []
  let held: Buffer = Buffer.alloc(0)
  // Leaving the loop destroys the socket.
  for await (const part of socket) {
    held = Buffer.concat([held, part])
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
      const end = 4 + held.readUInt32BE()
      frames.push(held.toString('utf8', 4, end))
      held = held.subarray(end)
    }
    if (/^("Success"|\{"Error")/.test(frames.at(-1) ?? '')) break
  }
  return frames
}
