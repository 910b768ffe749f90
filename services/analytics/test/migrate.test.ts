import { type Postgres, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { type OpenedDatabase, openDatabase } from '../src/store/database.ts'
import { migrate, readState } from '../src/store/migrate.ts'
import { quiet } from './harness.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
})

async function createEmpty(name: string, ...setUp: string[]): Promise<OpenedDatabase> {
  const url = new URL(postgres.url)
  await run(url, `CREATE DATABASE ${name}`)
  url.pathname = name
  await run(url, ...setUp)
  return openDatabase({ url: url.href, log: quiet, name: 'test' })
}

async function run(url: URL, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url.href })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

test('several at once migrate once, and the next has nothing to do', async () => {
  await using database = await createEmpty('several')
  const { db } = database
  expect((await readState(db)).pending).not.toEqual([])

  const outcomes = await Promise.all([migrate(db), migrate(db), migrate(db)])

  expect(outcomes.filter(({ applied }) => applied.length > 0)).toHaveLength(1)
  expect(await migrate(db)).toEqual({ applied: [] })
  expect((await readState(db)).pending).toEqual([])
})

test('a Postgres that is too old is refused with a sentence', async () => {
  // Says what an older one would say of itself.
  await using database = await createEmpty(
    'old',
    `CREATE FUNCTION current_setting(name text) RETURNS text LANGUAGE sql AS $$
      SELECT CASE name WHEN 'server_version' THEN '13.22' ELSE '130022' END $$`,
    'ALTER DATABASE old SET search_path = public, pg_catalog',
  )

  await expect(migrate(database.db)).rejects.toThrow(
    'postgres 14 or newer is needed, and this is 13.22',
  )
})
