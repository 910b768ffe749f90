import type { SchemaState } from '@corroport/contracts'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

// The first with date_bin().
const oldestPostgres = 14

/** The tables of a service, which its migrations make. */
export interface Tables {
  /** Brings the database to what this version knows. Several at once wait for each other. */
  migrate: <DB>(db: Kysely<DB>) => Promise<{ applied: string[] }>
  readState: <DB>(db: Kysely<DB>) => Promise<SchemaState>
  /** What is to be done before this version can work with it; undefined where it can. */
  findProblem: <DB>(db: Kysely<DB>) => Promise<string | undefined>
}

export function defineTables(options: {
  /** In their order, which is the one of their names. */
  migrations: Readonly<Record<string, Migration>>
  /** Of Postgres. Default: the first of the search path. */
  schema?: string
  /** Whose tables they are, as a person calls it. */
  owner: string
  /** The command that migrates them. */
  command: string
}): Tables {
  const { migrations, schema, owner, command } = options
  const migratorOf = <DB>(db: Kysely<DB>): Migrator =>
    new Migrator({
      db,
      provider: { getMigrations: async () => migrations },
      ...(schema !== undefined && { migrationTableSchema: schema }),
    })

  const findNewer = async <DB>(db: Kysely<DB>): Promise<string | undefined> => {
    const name = schema === undefined ? 'kysely_migration' : `${schema}.kysely_migration`
    const { rows: tables } = await sql<{ is_there: boolean }>`
      SELECT to_regclass(${name}) IS NOT NULL AS is_there`.execute(db)
    if (tables[0]?.is_there !== true) return undefined
    const { rows } = await sql<{ name: string }>`
      SELECT name FROM ${sql.table(name)} ORDER BY name`.execute(db)
    const newer = rows.filter((row) => !(row.name in migrations)).map((row) => row.name)
    if (newer.length === 0) return undefined
    return `the database was migrated by a newer version (${newer.join(', ')}): run that version of ${owner}`
  }

  const readState = async <DB>(db: Kysely<DB>): Promise<SchemaState> => {
    const known = await migratorOf(db).getMigrations()
    return {
      current: known.findLast(({ executedAt }) => executedAt !== undefined)?.name ?? null,
      pending: known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name),
    }
  }

  return {
    readState,
    async findProblem(db) {
      const newer = await findNewer(db)
      if (newer !== undefined) return newer
      const { pending } = await readState(db)
      if (pending.length === 0) return undefined
      return `migrations are missing: ${pending.join(', ')}; run ${command}`
    },
    async migrate(db) {
      const { rows } = await sql<{ version: string; major: number }>`
        SELECT current_setting('server_version') AS version,
          current_setting('server_version_num')::integer / 10000 AS major`.execute(db)
      const [server] = rows
      if (server && server.major < oldestPostgres) {
        throw new Error(
          `postgres ${oldestPostgres} or newer is needed, and this is ${server.version}`,
        )
      }
      const newer = await findNewer(db)
      if (newer !== undefined) throw new Error(newer)
      const { error, results = [] } = await migratorOf(db).migrateToLatest()
      if (error) throw error
      return { applied: results.map(({ migrationName }) => migrationName) }
    },
  }
}
