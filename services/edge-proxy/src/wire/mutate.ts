/** A copy with one to four changes: bytes set, cut off, left out, put in or repeated. */
export function mutate(bytes: Uint8Array, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  let mutated = Buffer.from(bytes)
  for (let changes = 1 + below(4); changes > 0; changes -= 1) {
    const at = below(mutated.length + 1)
    const head = mutated.subarray(0, at)
    const tail = mutated.subarray(at)
    const some = Buffer.from(tail.subarray(0, 1 + below(8)))
    const change = below(6)
    if (change === 0) mutated = Buffer.from(head)
    else if (change === 1) mutated = Buffer.concat([head, tail.subarray(some.length)])
    else if (change === 2) mutated = Buffer.concat([head, some, tail])
    else if (change === 3)
      mutated = Buffer.concat([head, Buffer.alloc(1 + below(4), below(256)), tail])
    else if (at < mutated.length)
      mutated[at] = change === 4 ? below(256) : ([0, 1, 127, 255][below(4)] ?? 0)
  }
  return mutated
}
