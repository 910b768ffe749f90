const headBytes = 4

/** What is wrong with the bytes of a connection; nothing more can be read from it. */
export class FrameError extends Error {
  override name = 'FrameError'
}

/** Four bytes of length, the higher first, and as many bytes. */
export function encodeFrame(payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(headBytes)
  head.writeUInt32BE(payload.length)
  return Buffer.concat([head, payload])
}

export interface FrameSplitter {
  /** Throws `FrameError` at a length above the limit, before anything is kept for it. */
  push(chunk: Buffer): Generator<Buffer>
  /** Of a frame that is not whole yet. */
  readonly heldBytes: number
}

/** Cuts a byte stream into payloads. */
export function createFrameSplitter(maxBytes: () => number): FrameSplitter {
  let chunks: Buffer[] = []
  let heldBytes = 0
  let neededBytes = headBytes

  function join(): Buffer {
    const [first] = chunks
    const joined = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    chunks = [joined]
    return joined
  }

  return {
    *push(chunk) {
      chunks.push(chunk)
      heldBytes += chunk.length
      // Chunks are joined only when a frame is whole: a long one costs one copy, not one a chunk.
      while (heldBytes >= neededBytes) {
        const bytes = join()
        const length = bytes.readUInt32BE()
        if (length > maxBytes()) throw new FrameError('frame size too big')
        neededBytes = headBytes + length
        if (heldBytes < neededBytes) return
        chunks = [bytes.subarray(neededBytes)]
        heldBytes -= neededBytes
        const payload = bytes.subarray(headBytes, neededBytes)
        neededBytes = headBytes
        yield payload
      }
    },
    get heldBytes() {
      return heldBytes
    },
  }
}

/** The payloads of a stream. Throws `FrameError` for one that is too long or ends too early. */
export async function* readFrames(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const splitter = createFrameSplitter(() => maxBytes)
  for await (const chunk of chunks) yield* splitter.push(chunk)
  if (splitter.heldBytes > 0) throw new FrameError('bytes remaining on stream')
}
