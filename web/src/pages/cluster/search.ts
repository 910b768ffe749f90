import { given, type RawSearch, readChoice, readText } from '../../search.ts'

interface ClusterSearch {
  /** The member whose sights are shown. */
  node?: string
  /** Text that a member's node, region, actor or address has to contain. */
  q?: string
  only?: 'disagreeing'
  /** How the matrix of round trips is cut; by itself it depends on their number. */
  matrix?: 'nodes' | 'regions'
  /** `iad ~ fra`: regions whose links are listed. */
  pair?: string
  operation?: string
}

export function clusterSearch(raw: RawSearch): ClusterSearch {
  return given({
    node: readText(raw.node, 64),
    q: readText(raw.q, 100),
    only: readChoice(raw.only, ['disagreeing']),
    matrix: readChoice(raw.matrix, ['nodes', 'regions']),
    pair: readText(raw.pair, 200),
    operation: readText(raw.operation, 128),
  })
}
