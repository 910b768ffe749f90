import type { VersionRange } from '../store/change.ts'

/** Sorted, disjoint, both ends included. */
export type Ranges = readonly VersionRange[]

/** What is in `from` and not in `without`. */
export function subtract(from: Ranges, without: Ranges): VersionRange[] {
  const left: VersionRange[] = []
  let at = 0
  for (const range of from) {
    let { start } = range
    while ((without[at]?.end ?? Infinity) < start) at++
    for (let next = at; start <= range.end; next++) {
      const hole = without[next]
      if (hole === undefined || hole.start > range.end) {
        left.push({ start, end: range.end })
        break
      }
      if (hole.start > start) left.push({ start, end: hole.start - 1 })
      start = hole.end + 1
    }
  }
  return left
}

export function intersect(one: Ranges, other: Ranges): VersionRange[] {
  return subtract(one, subtract(one, other))
}

export function union(one: Ranges, other: Ranges): VersionRange[] {
  const merged: VersionRange[] = []
  for (const range of [...one, ...other].toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last === undefined || range.start > last.end + 1) merged.push({ ...range })
    else last.end = Math.max(last.end, range.end)
  }
  return merged
}

/** The lowest versions, at most `count` of them. */
export function lowest(ranges: Ranges, count: number): VersionRange[] {
  const taken: VersionRange[] = []
  let left = count
  for (const { start, end } of ranges) {
    if (left === 0) break
    const length = Math.min(left, end - start + 1)
    taken.push({ start, end: start + length - 1 })
    left -= length
  }
  return taken
}

/** How many versions they are. */
export function size(ranges: Ranges): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
}
