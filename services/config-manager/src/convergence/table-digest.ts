import { createHash } from 'node:crypto'
import type { TableDigest } from '@corroport/contracts'
import {
  type CorrosionClient,
  quoteIdentifier,
  type RequestOptions,
  readTableSchema,
  type SqliteValue,
  type TableSchema,
} from '@corroport/corrosion-client'

const replicatedSql = `
  SELECT substr(name, 1, length(name) - length('__crsql_clock')) FROM sqlite_schema
  WHERE type = 'table' AND substr(name, -length('__crsql_clock')) = '__crsql_clock'`

/** All replicated tables, or the ones that are asked for, by name. One table is read at a time. */
export async function digestTables(
  agent: CorrosionClient,
  asked: readonly string[] | undefined,
  options: () => RequestOptions,
): Promise<TableDigest[]> {
  const { rows } = await agent.query(replicatedSql, options())
  const replicated = new Set(rows.map(([name]) => String(name)))
  const digests: TableDigest[] = []
  for (const table of [...new Set(asked ?? replicated)].toSorted()) {
    digests.push(
      replicated.has(table)
        ? await digestTable(agent, table, options)
        : { table, rows: 0, digest: null },
    )
  }
  return digests
}

/** Every row as it comes, so that none has to fit in memory with the others. */
async function digestTable(
  agent: CorrosionClient,
  table: string,
  options: () => RequestOptions,
): Promise<TableDigest> {
  const schema = await readTableSchema(agent, table, options())
  // A column that was added later stands last on one node and among the others on another.
  const columns = schema.columns.toSorted()
  const hash = createHash('sha256').update(`${JSON.stringify(columns)}\n`)
  let rows = 0
  for await (const cells of agent.queryRows(rowsSql(schema, columns), options())) {
    hash.update(`${cells.map(cellText).join()}\n`)
    rows += 1
  }
  return { table, rows, digest: hash.digest('hex') }
}

function rowsSql({ table, keyColumns }: TableSchema, columns: readonly string[]): string {
  const cells = columns.map(quoteIdentifier).map(cellSql).join(', ')
  const order = keyColumns.map(quoteIdentifier).join(', ')
  return `SELECT ${cells} FROM ${quoteIdentifier(table)} ORDER BY ${order}`
}

/**
 * A text that begins with the type; only a finite REAL stays a number, since versions of SQLite write
 * its digits differently. An agent's answer alone would not do: `1` and `1.0` are one number there,
 * and an infinite one is null. As hex, since a text may hold NUL, at which some readers stop.
 */
function cellSql(cell: string): string {
  return `CASE typeof(${cell})
    WHEN 'null' THEN 'n'
    WHEN 'integer' THEN 'i' || ${cell}
    WHEN 'real' THEN iif(abs(${cell}) < 9e999, ${cell}, 'r' || ${cell})
    WHEN 'text' THEN 't' || hex(${cell})
    ELSE 'b' || hex(${cell}) END`
}

function cellText(cell: SqliteValue): string {
  return typeof cell === 'string' ? cell : `r${String(cell)}`
}
