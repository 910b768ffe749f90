import { type RawBuilder, sql } from 'kysely'

/** A time of the database in the form of our timestamps: ISO 8601, UTC, microseconds. */
export function isoTime(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
