/** What a reader says of a query: its lines, the last one marked; or why there are none. */
export type FrameKind = 'started' | 'refused' | 'failed' | 'lines' | 'last'

const kinds: readonly FrameKind[] = ['started', 'refused', 'failed', 'lines', 'last']
const headBytes = 5

/** Kind and length, then the text. */
export function encodeFrame(kind: FrameKind, text = ''): Buffer {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(headBytes + length)
  frame.writeUInt8(kinds.indexOf(kind))
  frame.writeUInt32LE(length, 1)
  frame.write(text, headBytes)
  return frame
}

/**
 * Cuts what a reader sent; a long frame is given on in pieces as they come, and `isLast` says which
 * is its last.
 */
export function createFrameDecoder(
  take: (kind: FrameKind, piece: Buffer, isLast: boolean) => void,
): (chunk: Buffer) => void {
  let head: Buffer = Buffer.alloc(0)
  let kind: FrameKind | undefined
  let missing = 0
  return (chunk) => {
    let rest = chunk
    while (rest.length > 0) {
      if (kind === undefined) {
        const part = rest.subarray(0, headBytes - head.length)
        head = head.length === 0 ? part : Buffer.concat([head, part])
        rest = rest.subarray(part.length)
        if (head.length < headBytes) return
        kind = kinds[head.readUInt8()]
        missing = head.readUInt32LE(1)
        head = Buffer.alloc(0)
        if (kind === undefined) throw new Error('unreachable: a frame of no kind')
      }
      const piece = rest.subarray(0, missing)
      rest = rest.subarray(piece.length)
      missing -= piece.length
      const ofKind: FrameKind = kind
      if (missing === 0) kind = undefined
      else if (piece.length === 0) return
      take(ofKind, piece, missing === 0)
    }
  }
}
