import { randomBytes } from 'node:crypto'
import { messageOf, RefusalError } from '@corroport/bus'
import { sql } from 'kysely'
import { DatabaseError } from 'pg'
import type { Db } from '../store/database.ts'
import { verifierOf } from './password-verifier.ts'
import { readableTables } from './readable-tables.ts'

/** How the tables are read for people. */
export interface ReaderAccess {
  /** Secret. */
  readonly url: string
  readonly schema: string
}

export interface ReaderRole {
  /** Throws a `RefusalError` that says which setting helps, where there is no such role. */
  access(): Promise<ReaderAccess>
  /** What was given does not open any more: another process, or a person, changed it. */
  forget(): void
}

const readerName = 'corroport_reader'
const advice = 'set DATABASE_READER_URL to a role that may only select'
// Enough while one process takes over from another, and for several databases of one server.
const connections = 10
const privilegeMissing = '42501'
const tableMissing = '42P01'
// Of what a sort or a join of one session may spill to disk; only a superuser may set it.
const temporaryFiles = '256MB'

/**
 * The role of `readerUrl`; else one that is made here and may select our tables and nothing else. Its
 * password is made anew by each process that leads, and is nowhere but in its memory.
 */
export function createReaderRole(options: {
  db: Db
  databaseUrl: string
  readerUrl: string | undefined
}): ReaderRole {
  const { db, databaseUrl, readerUrl } = options
  let made: Promise<ReaderAccess> | undefined

  const make = async (): Promise<ReaderAccess> => {
    const { rows } = await sql<{
      schema: string | null
    }>`SELECT current_schema() AS schema`.execute(db)
    const schema = rows[0]?.schema ?? 'public'
    if (readerUrl !== undefined) return { url: readerUrl, schema }
    const password = randomBytes(24).toString('base64url')
    try {
      await makeRole(db, schema, password)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      if (error.code === tableMissing) {
        throw new RefusalError(
          'unavailable',
          'migrations are missing: run corroport analytics migrate',
        )
      }
      if (error.code !== privilegeMissing) throw error
      const message = `the role of DATABASE_URL may not make ${readerName} (${messageOf(error)}): ${advice}`
      throw new RefusalError('unavailable', message)
    }
    return { url: asReader(databaseUrl, password), schema }
  }

  return {
    access() {
      made ??= make().catch((error: unknown) => {
        made = undefined
        throw error
      })
      return made
    },
    forget() {
      made = undefined
    },
  }
}

async function makeRole(db: Db, schema: string, password: string): Promise<void> {
  const role = sql.id(readerName)
  const secret = sql.lit(verifierOf(password))
  await db.transaction().execute(async (transaction) => {
    // Two that make it at once would both fail; roles are not of one database, so this is.
    await sql`SELECT pg_advisory_xact_lock(hashtext(${readerName}))`.execute(transaction)
    const {
      rows: [owner],
    } = await sql<{ isSuperuser: boolean; database: string }>`
      SELECT rolsuper AS "isSuperuser", current_database() AS database
      FROM pg_roles WHERE rolname = current_user`.execute(transaction)
    if (!owner) throw new Error('unreachable: the role that asks is one')
    const found = await sql<{ isMore: boolean }>`
      SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR EXISTS (
        SELECT FROM pg_auth_members WHERE member = role.oid
      ) AS "isMore"
      FROM pg_roles role WHERE rolname = ${readerName}`.execute(transaction)
    if (found.rows[0]?.isMore) {
      throw new RefusalError(
        'unavailable',
        `the role ${readerName} may do more than read: ${advice}`,
      )
    }
    const verb = sql.raw(found.rows.length > 0 ? 'ALTER' : 'CREATE')
    await sql`${verb} ROLE ${role} LOGIN NOINHERIT CONNECTION LIMIT ${sql.lit(connections)}
      PASSWORD ${secret}`.execute(transaction)
    if (owner.isSuperuser) {
      const limit = sql.lit(temporaryFiles)
      await sql`ALTER ROLE ${role} SET temp_file_limit = ${limit}`.execute(transaction)
    }
    // For a database to which not everybody may connect. Without the right to give it, Postgres only warns.
    await sql`GRANT CONNECT ON DATABASE ${sql.id(owner.database)} TO ${role}`.execute(transaction)
    await sql`GRANT USAGE ON SCHEMA ${sql.id(schema)} TO ${role}`.execute(transaction)
    const tables = sql.join(readableTables.map((table) => sql.table(`${schema}.${table}`)))
    await sql`GRANT SELECT ON ${tables} TO ${role}`.execute(transaction)
  })
}

function asReader(databaseUrl: string, password: string): string {
  const url = new URL(databaseUrl)
  for (const parameter of ['user', 'password']) url.searchParams.delete(parameter)
  url.username = readerName
  url.password = password
  return url.href
}
