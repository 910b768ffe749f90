import { sql } from 'kysely'
import { DatabaseError } from 'pg'
import type { FactTable } from '../ingest/rows.ts'
import type { Db } from './database.ts'

/** Tables by day, and the time that decides. */
const dayOf = {
  sent: 'sent_at',
  outcome: 'at',
  receipt: 'received_at',
  ack: 'arrived_at',
  delivery: 'at',
  sighting: 'observed_at',
  clock_sample: 'at',
  event: 'at',
} as const satisfies Partial<Record<FactTable, string>>

const millisecondsPerDay = 86_400_000

/** Makes those that are not there, of the day before `now` to so many days after, and names them. */
export async function makePartitions(db: Db, now: Date, daysAhead: number): Promise<string[]> {
  const made: string[] = []
  for (let day = -1; day <= daysAhead; day += 1) {
    for (const [table, column] of Object.entries(dayOf)) {
      const name = await makePartition(db, table, column, startOfDay(now, day))
      if (name) made.push(name)
    }
  }
  return made
}

async function makePartition(
  db: Db,
  table: string,
  column: string,
  day: Date,
): Promise<string | undefined> {
  const name = `${table}_${day.toISOString().slice(0, 10).replaceAll('-', '')}`
  const from = day.toISOString()
  const to = startOfDay(day, 1).toISOString()
  return await db.transaction().execute(async (transaction) => {
    await hurry(transaction)
    const { rows } = await sql<{ is_there: boolean }>`
      SELECT to_regclass(${name}) IS NOT NULL AS is_there`.execute(transaction)
    if (rows[0]?.is_there) return undefined
    const [partition, rest] = [sql.table(name), sql.table(`${table}_default`)]
    // Rows of this day may lie in the rest already, and no more may come until it is done.
    await sql`LOCK TABLE ONLY ${sql.table(table)} IN SHARE ROW EXCLUSIVE MODE`.execute(transaction)
    await sql`CREATE TABLE ${partition} (LIKE ${sql.table(table)} INCLUDING ALL)`.execute(
      transaction,
    )
    await sql`
      WITH moved AS (
        DELETE FROM ${rest} WHERE ${sql.ref(column)} >= ${from} AND ${sql.ref(column)} < ${to}
        RETURNING *
      )
      INSERT INTO ${partition} SELECT * FROM moved`.execute(transaction)
    await sql`
      ALTER TABLE ${sql.table(table)} ATTACH PARTITION ${partition}
      FOR VALUES FROM (${sql.lit(from)}) TO (${sql.lit(to)})`.execute(transaction)
    return name
  })
}

export interface Dropped {
  partitions: string[]
  /** Partitions that are read just now; nothing of them is dropped. */
  busy: string[]
  /** Outside of partitions. */
  rows: number
}

/** Drops what was told more than so many days before `now`, or as long after it by a wrong clock. */
export async function dropOld(db: Db, now: Date, retentionDays: number): Promise<Dropped> {
  const kept = { from: startOfDay(now, -retentionDays), to: startOfDay(now, retentionDays + 1) }
  const partitions: string[] = []
  const busy: string[] = []
  let rows = 0
  for (const [table, column] of Object.entries(dayOf)) {
    for (const { name, day } of await listPartitions(db, table)) {
      if (day >= kept.from && day < kept.to) continue
      const list = (await dropPartition(db, name)) ? partitions : busy
      list.push(name)
    }
    rows += await deleteBeyond(db, `${table}_default`, column, kept)
  }
  rows += await deleteBeyond(db, 'skipped', 'at', kept)
  rows += await deleteBeyond(db, 'refused', 'at', kept)
  rows += await forgetOldStreams(db, kept.from)
  return { partitions, busy, rows }
}

/** False where somebody reads it for longer than others may be made to wait. */
async function dropPartition(db: Db, name: string): Promise<boolean> {
  try {
    await db.transaction().execute(async (transaction) => {
      await hurry(transaction)
      await sql`DROP TABLE ${sql.table(name)}`.execute(transaction)
    })
    return true
  } catch (error) {
    if (error instanceof DatabaseError && error.code === lockNotAvailable) return false
    throw error
  }
}

async function listPartitions(db: Db, table: string): Promise<{ name: string; day: Date }[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits
    WHERE inhparent = ${table}::regclass ORDER BY name`.execute(db)
  return rows.flatMap(({ name }) => {
    const digits = /_(\d{4})(\d{2})(\d{2})$/.exec(name)
    return digits ? { name, day: new Date(`${digits.slice(1).join('-')}T00:00:00Z`) } : []
  })
}

async function deleteBeyond(
  db: Db,
  table: string,
  column: string,
  kept: { from: Date; to: Date },
): Promise<number> {
  const time = sql.ref(column)
  const { numAffectedRows } = await sql`
    DELETE FROM ${sql.table(table)}
    WHERE ${time} < ${kept.from.toISOString()} OR ${time} >= ${kept.to.toISOString()}`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** The newest of each stream stays, however quiet it is: it says where reading goes on. */
async function forgetOldStreams(db: Db, oldest: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    WITH forgotten AS (
      DELETE FROM ledger WHERE updated_at < ${oldest.toISOString()} AND EXISTS (
        SELECT FROM ledger newer
        WHERE newer.stream = ledger.stream AND newer.updated_at > ledger.updated_at
      )
      RETURNING stream, incarnation
    )
    DELETE FROM ledger_gap gap USING forgotten
    WHERE gap.stream = forgotten.stream AND gap.incarnation = forgotten.incarnation`.execute(db)
  return Number(numAffectedRows ?? 0)
}

const lockNotAvailable = '55P03'

/**
 * Who waits for a lock holds up all who come after; a long report must not stop what is stored. An
 * autovacuum gives way after 1 s.
 */
async function hurry(db: Db): Promise<void> {
  await sql`SET LOCAL lock_timeout = '2s'`.execute(db)
}

function startOfDay(time: Date, days: number): Date {
  const midnight = Math.floor(time.getTime() / millisecondsPerDay)
  return new Date((midnight + days) * millisecondsPerDay)
}
