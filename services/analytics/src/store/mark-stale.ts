import { sql } from 'kysely'
import type { Row } from '../ingest/rows.ts'
import type { Db } from './database.ts'

// An acknowledgement is given up long before; it bounds the partitions that are looked into.
const longestWay = '2 days'

/** The figures of an experiment do not hold what came after they were computed. */
export async function markStale(db: Db, rows: readonly Row[]): Promise<void> {
  const experimentIds = new Set<string>()
  const messageIds = new Set<string>()
  const times: string[] = []
  for (const { table, values } of rows) {
    if (table === 'sent' && typeof values.experiment_id === 'string') {
      experimentIds.add(values.experiment_id)
    }
    if (table !== 'ack' && table !== 'outcome') continue
    messageIds.add(String(values.message_id))
    times.push(String(table === 'ack' ? values.arrived_at : values.at))
  }
  if (experimentIds.size === 0 && messageIds.size === 0) return
  times.sort()
  // The experiments that could be meant come first: they are few, and mostly none.
  await sql`
    WITH ended AS MATERIALIZED (
      SELECT id FROM experiment WHERE status NOT IN ('created', 'running')
    ), meant AS (
      SELECT id FROM ended WHERE id = ANY(${[...experimentIds]}::text[])
      UNION
      SELECT sent.experiment_id FROM sent
      WHERE sent.message_id = ANY(${[...messageIds]}::text[])
        AND sent.sent_at >= ${times.at(0) ?? null}::timestamptz - ${longestWay}::interval
        AND sent.sent_at <= ${times.at(-1) ?? null}::timestamptz + ${longestWay}::interval
        AND sent.experiment_id IN (SELECT id FROM ended)
        AND EXISTS (SELECT FROM ended)
    )
    UPDATE experiment SET is_stale = true WHERE id IN (SELECT id FROM meant)
  `.execute(db)
}
