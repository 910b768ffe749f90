import { type Kysely, sql } from 'kysely'

/** A stream whose older copy was put back counts anew, beside what was counted before. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE ledger
      ADD COLUMN first_sequence bigint NOT NULL DEFAULT 1,
      ADD COLUMN last_stored_at_ns bigint,
      ADD COLUMN ended text`.execute(db)
}
