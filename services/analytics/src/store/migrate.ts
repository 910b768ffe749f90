import type { SchemaState } from '@corroport/contracts'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Db } from './database.ts'
import * as experiments from './migrations/2026-11-21-experiments.ts'
import * as facts from './migrations/2026-11-21-facts.ts'
import * as ledgerLives from './migrations/2026-11-22-ledger-lives.ts'

/** In their order, which is the one of their names. */
const migrations = {
  '2026-11-21-1-facts': facts,
  '2026-11-21-2-experiments': experiments,
  '2026-11-22-1-ledger-lives': ledgerLives,
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
  const unknown = await unknownMigrations(db)
  if (unknown.length > 0) throw new Error(describeNewer(unknown))
  const { error, results = [] } = await migratorOf(db).migrateToLatest()
  if (error) throw error
  return { applied: results.map(({ migrationName }) => migrationName) }
}

/** Migrations that were made, and that this version does not have. */
export async function unknownMigrations(db: Db): Promise<string[]> {
  const { rows: tables } = await sql<{ is_there: boolean }>`
    SELECT to_regclass('kysely_migration') IS NOT NULL AS is_there`.execute(db)
  if (tables[0]?.is_there !== true) return []
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM kysely_migration ORDER BY name`.execute(db)
  return rows.map(({ name }) => name).filter((name) => !(name in migrations))
}

export function describeNewer(unknown: readonly string[]): string {
  return `the database was migrated by a newer version (${unknown.join(', ')}): run that version of analytics`
}

export async function readSchemaState(db: Db): Promise<SchemaState> {
  const known = await migratorOf(db).getMigrations()
  return {
    current: known.findLast(({ executedAt }) => executedAt !== undefined)?.name ?? null,
    pending: known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name),
  }
}
