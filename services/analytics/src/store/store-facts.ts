import { type RawBuilder, sql } from 'kysely'
import type { FactTable, Row } from '../ingest/rows.ts'
import type { Db } from './database.ts'
import type { Database } from './tables.ts'

type Columns<Table extends FactTable> = Record<keyof Database[Table], ColumnType>
type ColumnType = 'text' | 'integer' | 'bigint' | 'boolean' | 'jsonb' | 'timestamptz' | 'float8'

const columns: { [Table in FactTable]: Columns<Table> } = {
  sent: {
    message_id: 'text',
    transport: 'text',
    origin: 'text',
    region: 'text',
    size_bytes: 'integer',
    expected: 'jsonb',
    expected_count: 'integer',
    experiment_id: 'text',
    number: 'integer',
    is_warmup: 'boolean',
    intended_at: 'timestamptz',
    delay_us: 'bigint',
    sent_at: 'timestamptz',
  },
  outcome: {
    message_id: 'text',
    transport: 'text',
    origin: 'text',
    state: 'text',
    took_us: 'bigint',
    actor_id: 'text',
    db_version: 'text',
    was_read_back: 'boolean',
    reason: 'text',
    at: 'timestamptz',
  },
  skipped: {
    experiment_id: 'text',
    origin: 'text',
    transport: 'text',
    first: 'integer',
    numbers: 'jsonb',
    reason: 'text',
    at: 'timestamptz',
  },
  receipt: {
    message_id: 'text',
    transport: 'text',
    node_id: 'text',
    origin: 'text',
    via: 'text',
    received_at: 'timestamptz',
  },
  ack: {
    message_id: 'text',
    transport: 'text',
    node_id: 'text',
    origin: 'text',
    via: 'text',
    attempts: 'integer',
    received_at: 'timestamptz',
    sent_at: 'timestamptz',
    arrived_at: 'timestamptz',
    round_trip_us: 'bigint',
    clock: 'text',
  },
  delivery: {
    message_id: 'text',
    transport: 'text',
    node_id: 'text',
    origin: 'text',
    state: 'text',
    attempts: 'integer',
    reason: 'text',
    at: 'timestamptz',
  },
  sighting: {
    table_name: 'text',
    key_digest: 'text',
    row_version: 'text',
    node_id: 'text',
    change: 'text',
    via: 'text',
    site_id: 'text',
    written_at: 'timestamptz',
    observed_at: 'timestamptz',
  },
  clock_sample: {
    node_id: 'text',
    offset_us: 'float8',
    bound_us: 'float8',
    round_trip_us: 'float8',
    probes: 'integer',
    drift_ppm: 'float8',
    at: 'timestamptz',
  },
  event: { id: 'text', kind: 'text', subject: 'text', at: 'timestamptz', payload: 'jsonb' },
}

const inserts = new Map<string, (values: string) => RawBuilder<unknown>>(
  Object.entries(columns).map(([table, types]) => {
    const names = sql.join(Object.keys(types).map((name) => sql.ref(name)))
    const typed = sql.join(
      Object.entries(types).map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`),
    )
    return [
      table,
      (values) => sql`INSERT INTO ${sql.table(table)} (${names})
        SELECT ${names} FROM jsonb_to_recordset(${values}::jsonb) AS fact(${typed})
        ON CONFLICT DO NOTHING`,
    ]
  }),
)

/** Stores what is not stored yet, and says how many that were. One parameter a table, whatever comes. */
export async function storeFacts(db: Db, rows: readonly Row[]): Promise<number> {
  let stored = 0
  for (const [table, ofTable] of Map.groupBy(rows, (row) => row.table)) {
    const insert = inserts.get(table)
    if (!insert) throw new Error(`unreachable: no table ${table}`)
    const values = JSON.stringify(ofTable.map((row) => row.values))
    const { numAffectedRows } = await insert(values).execute(db)
    stored += Number(numAffectedRows ?? 0)
  }
  return stored
}
