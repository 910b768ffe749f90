import type { CorrosionClient, RequestOptions } from './client.ts'
import { asNumber, asText } from './decode.ts'

/** A replicated table, with the agent's own spelling of its names. */
export interface TableSchema {
  table: string
  /** Key columns in key order. */
  keyColumns: readonly string[]
  /** All columns in table order, generated ones included. */
  columns: readonly string[]
}

/** Throws when the agent has no such table, or does not replicate it. */
export async function readTableSchema(
  client: CorrosionClient,
  table: string,
  options?: RequestOptions,
): Promise<TableSchema> {
  const { rows } = await client.query(
    // Hidden 1 is a virtual table's own column; 2 and 3 are generated columns.
    [
      `SELECT i.name, i.pk FROM pragma_table_xinfo(?1) i WHERE i.hidden <> 1 AND EXISTS (
         SELECT 1 FROM sqlite_schema s WHERE s.type = 'table' AND s.name = ?1 || '__crsql_pks')
       ORDER BY i.cid`,
      [table],
    ],
    options,
  )
  if (rows.length === 0) throw new Error(`the agent replicates no table ${table}`)
  const columns = rows.map(([name, position]) => ({
    name: asText(name, 'column name'),
    position: asNumber(position, 'key position'),
  }))
  const keyColumns = columns
    .filter(({ position }) => position > 0)
    .toSorted((a, b) => a.position - b.position)
  return {
    table,
    keyColumns: keyColumns.map(({ name }) => name),
    columns: columns.map(({ name }) => name),
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** How many texts of one statement there are to choose from. */
export const statementTexts = 8

/**
 * The same statement in another text. When an agent fails to begin a subscription it may keep what is
 * left of it, and whoever asks with the same text is answered 500, or by a stream in which nothing
 * ever comes. To another text it begins anew.
 */
export function otherText(sql: string, number: number): string {
  return sql.replace('SELECT ', `SELECT ${' '.repeat(number % statementTexts)}`)
}

/**
 * The statement that subscribes to a whole table. Names stand bare: a subscription does not know a
 * quoted table, and never hears of changes to a quoted column.
 */
export function subscriptionSql({ table, columns }: TableSchema): string {
  for (const name of [table, ...columns]) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw new Error(`${name} needs quotation marks, which subscriptions do not understand`)
    }
  }
  return `SELECT ${columns.join(', ')} FROM ${table}`
}
