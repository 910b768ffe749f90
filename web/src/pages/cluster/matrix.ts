import type { RoundTripLink, RoundTripsReply } from '@corroport/contracts'

/** From a row to a column: one link, or all links from one region to another. */
export interface MatrixCell {
  rttMs: number | null
  links: number
  /** Links without a round trip, or whose end SWIM does not have alive. */
  failed: number
  /** Of the worst link; null: not known. */
  state: RoundTripLink['state']
}

export interface Matrix {
  axis: { id: string; region: string | null; error: string | null }[]
  cell: (from: string, to: string) => MatrixCell | undefined
}

/** Above so many nodes regions are shown first. */
export const mostNodes = 24
/** Above so many nodes there is no matrix of nodes. */
export const mostCells = 50

const noRegion = 'no region'
const badness: RoundTripLink['state'][] = ['alive', 'suspect', null, 'unlisted', 'down']

type Nodes = RoundTripsReply['nodes']

export function nodeMatrix(nodes: Nodes, links: readonly RoundTripLink[]): Matrix {
  const rows = gather(links.map((link) => ({ from: link.from, to: link.to, cell: cellOf(link) })))
  const axis = nodes
    .map(({ node_id, region, error }) => ({ id: node_id, region, error }))
    .toSorted((a, b) => compare(a.region ?? '', b.region ?? '') || compare(a.id, b.id))
  return { axis, cell: (from, to) => rows.get(from)?.get(to) }
}

export function regionMatrix(nodes: Nodes, links: readonly RoundTripLink[]): Matrix {
  const regionOf = regionsOf(nodes)
  const rows = gather(
    links.map((link) => ({
      from: regionOf(link.from),
      to: regionOf(link.to),
      cell: cellOf(link),
    })),
  )
  const names = new Set(nodes.map(({ region }) => region ?? noRegion))
  const axis = [...names]
    .toSorted(compare)
    .map((region) => ({ id: region, region: null, error: null }))
  return { axis, cell: (from, to) => rows.get(from)?.get(to) }
}

/** The links from the nodes of one region to those of another. */
export function linksBetween(
  nodes: Nodes,
  links: readonly RoundTripLink[],
  [from, to]: readonly [from: string, to: string],
): RoundTripLink[] {
  const regionOf = regionsOf(nodes)
  return links.filter((link) => regionOf(link.from) === from && regionOf(link.to) === to)
}

function regionsOf(nodes: Nodes): (nodeId: string) => string {
  const regions = new Map(nodes.map(({ node_id, region }) => [node_id, region ?? noRegion]))
  return (nodeId) => regions.get(nodeId) ?? noRegion
}

function cellOf({ rttMs, state }: RoundTripLink): MatrixCell {
  const isFailed = rttMs === null || (state !== 'alive' && state !== null)
  return { rttMs, links: 1, failed: isFailed ? 1 : 0, state }
}

function gather(
  links: readonly { from: string; to: string; cell: MatrixCell }[],
): Map<string, Map<string, MatrixCell>> {
  const rows = new Map<string, Map<string, MatrixCell>>()
  const measured = new Map<MatrixCell, number>()
  for (const { from, to, cell } of links) {
    const row = rows.get(from) ?? new Map<string, MatrixCell>()
    rows.set(from, row)
    const sum = row.get(to)
    if (!sum) {
      row.set(to, cell)
      measured.set(cell, cell.rttMs === null ? 0 : 1)
      continue
    }
    // The mean of all links of the pair that have a figure.
    const count = measured.get(sum) ?? 0
    if (cell.rttMs !== null) {
      sum.rttMs = ((sum.rttMs ?? 0) * count + cell.rttMs) / (count + 1)
      measured.set(sum, count + 1)
    }
    sum.links += 1
    sum.failed += cell.failed
    if (badness.indexOf(cell.state) > badness.indexOf(sum.state)) sum.state = cell.state
  }
  return rows
}

/** How many standard deviations a round trip is above the mean of all; null where there is none. */
export function deviationsOf(
  rttMs: number | null,
  { mean_ms, deviation_ms }: Pick<RoundTripsReply, 'mean_ms' | 'deviation_ms'>,
): number | null {
  if (rttMs === null || mean_ms === null || deviation_ms === null || deviation_ms === 0) return null
  return (rttMs - mean_ms) / deviation_ms
}

/** `+1.2 σ` */
export function formatDeviations(deviations: number): string {
  const sign = deviations < 0 ? '−' : '+'
  return `${sign}${Math.abs(deviations).toFixed(1)} σ`
}

/** The name of a colour. */
export function levelOf(deviations: number | null): 'fast' | 'usual' | 'slow' | 'very-slow' {
  if (deviations === null) return 'usual'
  if (deviations >= 2) return 'very-slow'
  if (deviations >= 1) return 'slow'
  return deviations <= -1 ? 'fast' : 'usual'
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
