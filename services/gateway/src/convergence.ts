import type { ConvergenceReply, TableDigest } from '@corroport/contracts'

export interface NodeDigests {
  nodeId: string
  tables: readonly TableDigest[]
}

/** Which nodes have the same rows, table by table. A table that a node does not name is not there. */
export function compareDigests(nodes: readonly NodeDigests[]): ConvergenceReply['tables'] {
  const names = new Set(nodes.flatMap(({ tables }) => tables.map(({ table }) => table)))
  return [...names].toSorted().map((table) => {
    const held = nodes.map(({ nodeId, tables }) => {
      const found = tables.find((one) => one.table === table)
      return { nodeId, digest: found?.digest ?? null, rows: found?.rows ?? 0 }
    })
    const groups = [...Map.groupBy(held, ({ digest }) => digest)].map(([digest, same]) => ({
      digest,
      rows: same[0]?.rows ?? 0,
      node_ids: same.map(({ nodeId }) => nodeId).toSorted(),
    }))
    const [rows = 0, ...otherRows] = new Set(groups.map((group) => group.rows))
    return {
      table,
      is_equal: groups.length === 1,
      rows: otherRows.length === 0 ? rows : null,
      groups: groups.toSorted((a, b) => b.node_ids.length - a.node_ids.length),
    }
  })
}
