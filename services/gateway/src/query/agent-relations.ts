import type { QueryRelation } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'

// What a virtual table has is not in the schema.
const columnsSql = `WITH relation(name) AS (
    SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
    UNION SELECT 'crsql_changes'
  )
  SELECT relation.name, field.name, field.type, field.pk
  FROM relation, pragma_table_info(relation.name) AS field
  ORDER BY relation.name, field.cid`

/** The tables and views of an agent; those that it keeps for itself come last. */
export async function readAgentRelations(agent: CorrosionClient): Promise<QueryRelation[]> {
  const { rows } = await agent.query(columnsSql, { timeoutMs: 2000, maxRows: 20_000 })
  const columns = rows.map(([relation, name, type, place]) => ({
    relation: String(relation),
    column: { name: String(name), type: String(type), is_key: Number(place) > 0 },
  }))
  return [...Map.groupBy(columns, ({ relation }) => relation)]
    .map(([name, found]) => ({ name, columns: found.map(({ column }) => column) }))
    .toSorted((a, b) => Number(isInternal(a.name)) - Number(isInternal(b.name)))
}

function isInternal(name: string): boolean {
  return /^(__corro_|crsql_|sqlite_|dev_agent$)|__crsql_/.test(name)
}
