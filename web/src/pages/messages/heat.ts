/** How many messages a node saw for the first time in one part of a time range. */
export interface HeatCell {
  nodeId: string
  /** Unix milliseconds, of its beginning. */
  fromMs: number
  count: number
}

export interface Heat {
  nodeIds: string[]
  /** Beginnings of the parts, oldest first. */
  parts: number[]
  partMs: number
  /** By node, a count for each part. */
  counts: Map<string, number[]>
  most: number
}

const partCount = 30

export function heatOf(
  sights: readonly { nodeId: string; at: string }[],
  nodeIds: readonly string[],
  { sinceMs, untilMs }: { sinceMs: number; untilMs: number },
): Heat {
  const partMs = Math.max(1, (untilMs - sinceMs) / partCount)
  const parts = Array.from({ length: partCount }, (_, index) => sinceMs + index * partMs)
  const all = [...new Set([...nodeIds, ...sights.map(({ nodeId }) => nodeId)])]
  const sorted = all.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const counts = new Map(sorted.map((nodeId) => [nodeId, parts.map(() => 0)]))
  let most = 0
  for (const { nodeId, at } of sights) {
    const part = Math.floor((Date.parse(at) - sinceMs) / partMs)
    const row = counts.get(nodeId)
    const count = row?.[part]
    if (!row || count === undefined) continue
    row[part] = count + 1
    most = Math.max(most, count + 1)
  }
  return { nodeIds: sorted, parts, partMs, counts, most }
}

/** From 0, nothing, to 4, the most. */
export function levelOf(count: number, most: number): number {
  return count === 0 ? 0 : Math.ceil((4 * count) / most)
}

/** What is not nothing, newest first. */
export function cellsOf({ nodeIds, parts, counts }: Heat): HeatCell[] {
  return parts.toReversed().flatMap((fromMs, index) =>
    nodeIds.flatMap((nodeId) => {
      const count = counts.get(nodeId)?.[parts.length - 1 - index] ?? 0
      return count === 0 ? [] : { nodeId, fromMs, count }
    }),
  )
}
