import type { AckPoint } from './acks.ts'

interface NodeSeries {
  label: string
  values: (number | null)[]
}

/** All receivers over one axis of seconds since `from`; null where a receiver has nothing. */
export function alignByNode(
  points: readonly AckPoint[],
  from: number,
): { x: number[]; series: NodeSeries[] } {
  const inOrder = points.toSorted((one, other) => one.sentAt - other.sentAt)
  const x: number[] = []
  const byNode = new Map<string, Map<number, number>>()
  for (const { node, sentAt, roundTripMs } of inOrder) {
    const seconds = (sentAt - from) / 1000
    if (x.at(-1) !== seconds) x.push(seconds)
    const values = byNode.get(node) ?? new Map<number, number>()
    byNode.set(node, values)
    values.set(x.length - 1, roundTripMs)
  }
  const nodes = [...byNode.keys()].toSorted((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  )
  return {
    x,
    series: nodes.map((label) => ({
      label,
      values: x.map((_, index) => byNode.get(label)?.get(index) ?? null),
    })),
  }
}
