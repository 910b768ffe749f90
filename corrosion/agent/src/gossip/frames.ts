const headBytes = 4

export class FrameError extends Error {
  override name = 'FrameError'
}

export function frame(payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(headBytes)
  head.writeUInt32BE(payload.length)
  return Buffer.concat([head, payload])
}

export interface FrameSplitter {
  /** Throws FrameError at a length above the limit, before anything is kept for it. */
  push(chunk: Buffer): Generator<Buffer>
}

/** Cuts a byte stream into payloads: four bytes of length, big-endian, and as many bytes. */
export function createFrameSplitter(maxBytes: () => number): FrameSplitter {
  let chunks: Buffer[] = []
  let held = 0
  let needed = headBytes

  function join(): Buffer {
    const [first] = chunks
    const joined = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    chunks = [joined]
    return joined
  }

  return {
    *push(chunk) {
      chunks.push(chunk)
      held += chunk.length
      // Chunks are joined only when a frame is whole: a long one costs one copy, not one a chunk.
      while (held >= needed) {
        const bytes = join()
        const length = bytes.readUInt32BE()
        if (length > maxBytes()) throw new FrameError(`a frame of ${length} bytes`)
        needed = headBytes + length
        if (held < needed) return
        chunks = [bytes.subarray(needed)]
        held -= needed
        const payload = bytes.subarray(headBytes, needed)
        needed = headBytes
        yield payload
      }
    },
  }
}
