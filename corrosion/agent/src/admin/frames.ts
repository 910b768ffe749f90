/** What is wrong with the bytes of a connection; nothing more can be read from it. */
export class FrameError extends Error {
  override name = 'FrameError'
}

/** Four bytes of length, the higher first, and a text. */
export function encodeFrame(text: string): Buffer {
  const body = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** The bodies of frames. Throws `FrameError` for one that is too long or ends too early. */
export async function* readFrames(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  let wantedBytes = 4
  let isLength = true
  for await (const chunk of chunks) {
    held.push(chunk)
    heldBytes += chunk.length
    while (heldBytes >= wantedBytes) {
      const all = held.length === 1 ? (held[0] ?? chunk) : Buffer.concat(held)
      const part = all.subarray(0, wantedBytes)
      held = [all.subarray(wantedBytes)]
      heldBytes -= wantedBytes
      if (isLength) {
        wantedBytes = part.readUInt32BE()
        if (wantedBytes > maxBytes) throw new FrameError('frame size too big')
      } else {
        yield part
        wantedBytes = 4
      }
      isLength = !isLength
    }
  }
  if (heldBytes > 0 || !isLength) throw new FrameError('bytes remaining on stream')
}
