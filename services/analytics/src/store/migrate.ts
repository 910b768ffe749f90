import type { SchemaState } from '@corroport/contracts'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Db } from './database.ts'
import * as experiments from './migrations/2026-11-21-experiments.ts'
import * as facts from './migrations/2026-11-21-facts.ts'

/** In their order, which is the one of their names. */
const migrations = {
  '2026-11-21-1-facts': facts,
  '2026-11-21-2-experiments': experiments,
}

const migratorOf = (db: Db): Migrator =>
  new Migrator({ db, provider: { getMigrations: async () => migrations } })

// The first with date_bin().
const oldestPostgres = 14

/** Brings the database to what this version knows. Several at once wait for each other. */
export async function migrate(db: Db): Promise<{ applied: string[] }> {
  const { version, major } = await db
    .selectNoFrom([
      sql<string>`current_setting('server_version')`.as('version'),
      sql<number>`current_setting('server_version_num')::integer / 10000`.as('major'),
    ])
    .executeTakeFirstOrThrow()
  if (major < oldestPostgres) {
    throw new Error(`postgres ${oldestPostgres} or newer is needed, and this is ${version}`)
  }
  const { error, results = [] } = await migratorOf(db).migrateToLatest()
  if (error) throw error
  return { applied: results.map(({ migrationName }) => migrationName) }
}

export async function readSchemaState(db: Db): Promise<SchemaState> {
  const known = await migratorOf(db).getMigrations()
  return {
    current: known.findLast(({ executedAt }) => executedAt !== undefined)?.name ?? null,
    pending: known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name),
  }
}
