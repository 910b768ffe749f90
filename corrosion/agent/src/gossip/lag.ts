const upperBoundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const chunkMs = 24_000
const chunkCount = 5

export interface LagHistogram {
  observe(seconds: number): void
  /** Interpolated in its bucket; undefined when nothing was seen for about 120 s. */
  quantile(q: number): number | undefined
}

/** A rolling histogram of five chunks, each forgotten as a whole, as Corrosion's. */
export function createLagHistogram(nowMs: () => number): LagHistogram {
  const chunks = new Map<number, number[]>()
  const currentChunk = () => Math.floor(nowMs() / chunkMs)
  const forget = () => {
    for (const chunk of chunks.keys()) {
      if (chunk <= currentChunk() - chunkCount) chunks.delete(chunk)
    }
  }
  return {
    observe(seconds) {
      forget()
      const counts =
        chunks.get(currentChunk()) ?? Array<number>(upperBoundsSeconds.length + 1).fill(0)
      chunks.set(currentChunk(), counts)
      const bucket = upperBoundsSeconds.findIndex((bound) => seconds <= bound)
      counts[bucket === -1 ? upperBoundsSeconds.length : bucket]! += 1 // Made with one place for each.
    },
    quantile(q) {
      forget()
      const counts = [...upperBoundsSeconds, Infinity].map((_, bucket) =>
        chunks.values().reduce((sum, chunk) => sum + (chunk[bucket] ?? 0), 0),
      )
      const total = counts.reduce((sum, count) => sum + count, 0)
      if (total === 0) return undefined
      let rank = q * total
      const bucket = counts.findIndex((count) => {
        if (count >= rank) return true
        rank -= count
        return false
      })
      const end = upperBoundsSeconds[bucket]
      if (end === undefined) return upperBoundsSeconds.at(-1)
      const start = upperBoundsSeconds[bucket - 1]
      if (start === undefined) return end
      return start + (end - start) * (rank / (counts[bucket] ?? 1))
    },
  }
}
