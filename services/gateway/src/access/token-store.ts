import type { StateFile, TokenCopy } from '@corroport/bus'
import { createParser, TokenRecord } from '@corroport/contracts'
import { Type } from 'typebox'

export const accessMigration = `
  CREATE TABLE access_token (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE session (
    sha256 TEXT PRIMARY KEY,
    token_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;`

const parseRow = createParser('stored access token', Type.Object({ record: Type.String() }))
const parseRecord = createParser('stored access token', TokenRecord)

/** This gateway's copy of the tokens, in its state file. */
export function openTokenCopy({ db }: Pick<StateFile, 'db'>): TokenCopy {
  const upsert = db.prepare(
    `INSERT INTO access_token (id, record) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
  )
  const stored = db.prepare('SELECT record FROM access_token').all().map(parseRow)
  const records = new Map(
    stored.map(({ record }) => parseRecord(JSON.parse(record))).map((each) => [each.id, each]),
  )
  return {
    get: (id) => records.get(id),
    all: () => [...records.values()].toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1)),
    put(record) {
      upsert.run(record.id, JSON.stringify(record))
      records.set(record.id, record)
    },
  }
}
