import { text } from 'node:stream/consumers'
import { type Answer, json } from './answer.ts'
import { type Call, readJson } from './call.ts'
import type { JsonReader } from './json.ts'
import type { ReaderPool } from './reader-pool.ts'

/** `POST /v1/table_stats`: how many rows the tables have together. */
export async function answerTableStats(call: Call, readers: ReaderPool): Promise<Answer> {
  const tables = await readJson(call, readTables)
  try {
    const known = new Set(
      await firstColumn(readers, "SELECT name FROM sqlite_schema WHERE type = 'table'"),
    )
    let count = 0
    for (const table of tables.filter((name) => known.has(name))) {
      // Not quoted, as in the real agent.
      const [rows] = await firstColumn(readers, `SELECT COUNT(*) FROM ${table}`)
      count += Number(rows)
    }
    const invalid = tables.filter((name) => !known.has(name))
    return json(200, statsText(count, invalid))
  } catch {
    // The real agent does not tell what went wrong either.
    return json(500, statsText(0, []))
  }
}

function readTables(reader: JsonReader): string[] {
  const tables: string[] = []
  reader.struct('TableStatRequest', 'tables', () => {
    reader.list(() => {
      tables.push(reader.text())
    })
  })
  return tables
}

async function firstColumn(readers: ReaderPool, sql: string): Promise<unknown[]> {
  const answer = await readers.query({ sql, params: [] }, {})
  if (answer.kind !== 'lines') throw new Error(answer.message)
  const events: Record<string, unknown>[] = (await text(answer.lines))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  const last = events.at(-1)
  if (!last || !('eoq' in last)) throw new Error(`a query of ${sql} broke off`)
  return events.flatMap(({ row }) => (Array.isArray(row) ? [row[1][0]] : []))
}

function statsText(count: number, invalid: readonly string[]): string {
  return `{"total_row_count":${count},"invalid_tables":${JSON.stringify(invalid)}}`
}
