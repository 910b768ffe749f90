/** Cuts bytes into pieces of 1 to `most` bytes. */
export function cut(bytes: Uint8Array, most: number, random: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + Math.floor(random() * most)
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}
