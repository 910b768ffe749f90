/**
 * Mulberry32, 0 to 1. A comparison that is asked for again with its seed must come out the same on
 * every machine, which `Math.random` does not give; ten lines need no library.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Puts a random choice of `count` items first, in place (Fisher and Yates). */
export function shuffleFirst(items: Uint32Array, count: number, random: () => number): void {
  for (let index = 0; index < count; index++) {
    const other = index + Math.floor(random() * (items.length - index))
    const item = items[index] ?? 0
    items[index] = items[other] ?? 0
    items[other] = item
  }
}
