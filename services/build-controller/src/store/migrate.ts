import type { SchemaState } from '@corroport/contracts'
import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import * as queue from './migrations/2026-11-23-queue.ts'

/** In their order, which is the one of their names. */
const migrations = { '2026-11-23-1-queue': queue }

const schema = 'builds'

const migratorOf = (db: Kysely<unknown>): Migrator =>
  new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: schema,
  })

// The first with date_bin().
const oldestPostgres = 14

/** Brings the database to what this version knows. Several at once wait for each other. */
export async function migrate(db: Kysely<unknown>): Promise<{ applied: string[] }> {
  const { rows } = await sql<{ version: string; major: number }>`
    SELECT current_setting('server_version') AS version,
      current_setting('server_version_num')::integer / 10000 AS major`.execute(db)
  const [server] = rows
  if (server && server.major < oldestPostgres) {
    throw new Error(`postgres ${oldestPostgres} or newer is needed, and this is ${server.version}`)
  }
  const unknown = await unknownMigrations(db)
  if (unknown.length > 0) throw new Error(describeNewer(unknown))
  const { error, results = [] } = await migratorOf(db).migrateToLatest()
  if (error) throw error
  return { applied: results.map(({ migrationName }) => migrationName) }
}

/** Migrations that were made, and that this version does not have. */
export async function unknownMigrations(db: Kysely<unknown>): Promise<string[]> {
  const { rows: tables } = await sql<{ is_there: boolean }>`
    SELECT to_regclass('builds.kysely_migration') IS NOT NULL AS is_there`.execute(db)
  if (tables[0]?.is_there !== true) return []
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM builds.kysely_migration ORDER BY name`.execute(db)
  return rows.map(({ name }) => name).filter((name) => !(name in migrations))
}

export function describeNewer(unknown: readonly string[]): string {
  return `the database was migrated by a newer version (${unknown.join(', ')}): run that version of the build controller`
}

export async function readSchemaState(db: Kysely<unknown>): Promise<SchemaState> {
  const known = await migratorOf(db).getMigrations()
  return {
    current: known.findLast(({ executedAt }) => executedAt !== undefined)?.name ?? null,
    pending: known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name),
  }
}
