import { RefusalError } from '@corroport/bus'
import {
  ContractError,
  type Experiment,
  nowMicroseconds,
  type StoredEvent,
} from '@corroport/contracts'
import { sql } from 'kysely'
import { toRow } from '../ingest/rows.ts'
import type { Db } from '../store/database.ts'
import { findImpossible } from './check-row.ts'
import { recordOfKind } from './stored-kinds.ts'

const mostEvents = 5_000_000
const mostProblems = 10
const abandonedAfter = '1 hour'

export interface ImportPage {
  importId: string
  page: number
  experiment?: Experiment
  events: readonly StoredEvent[]
}

/** Keeps a page until the last one is there. The same page again changes nothing. */
export async function stagePage(db: Db, request: ImportPage): Promise<void> {
  const { importId, page, experiment, events } = request
  const rows = JSON.stringify(checkEvents(page, events))
  await db.transaction().execute(async (transaction) => {
    const { rows: taken } = await sql`
      INSERT INTO import_page (import_id, page, events, experiment)
      VALUES (${importId}, ${page}, ${events.length},
        ${experiment ? JSON.stringify(experiment) : null}::jsonb)
      ON CONFLICT DO NOTHING RETURNING page`.execute(transaction)
    if (taken.length === 0) return
    await sql`
      INSERT INTO import_row (import_id, page, table_name, row)
      SELECT ${importId}, ${page}::integer, fact.table, fact.values
      FROM jsonb_to_recordset(${rows}::jsonb) AS fact("table" text, "values" jsonb)`.execute(
      transaction,
    )
    if ((await countStaged(transaction, importId)) > mostEvents) {
      throw new RefusalError('invalid', `more than ${mostEvents} events`)
    }
  })
}

export async function countStaged(db: Db, importId: string): Promise<number> {
  const { rows } = await sql<{ events: number }>`
    SELECT coalesce(sum(events), 0)::float8 AS events FROM import_page
    WHERE import_id = ${importId}`.execute(db)
  return rows[0]?.events ?? 0
}

/** Removes what was begun, or finished, an hour ago or longer. */
export async function pruneImports(db: Db): Promise<void> {
  await sql`
    DELETE FROM import_page WHERE import_id IN (
      SELECT import_id FROM import_page GROUP BY import_id
      HAVING max(taken_at) < now() - ${abandonedAfter}::interval
    )`.execute(db)
}

function checkEvents(page: number, events: readonly StoredEvent[]) {
  const now = nowMicroseconds()
  const problems: string[] = []
  const rows = events.flatMap(({ kind, event }, index) => {
    const found = checkEvent({ kind, event }, now)
    if (typeof found !== 'string') return [found]
    problems.push(`page ${page}, event ${index} (${kind}): ${found}`)
    return []
  })
  const [first] = problems
  if (first === undefined) return rows
  throw new RefusalError('invalid', first, problems.slice(0, mostProblems))
}

function checkEvent({ kind, event }: StoredEvent, now: number) {
  try {
    const row = toRow(recordOfKind[kind].wildcard, event)
    return findImpossible(row.values, now) ?? row
  } catch (error) {
    if (error instanceof ContractError) return error.message
    throw error
  }
}
