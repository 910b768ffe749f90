import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startPostgres } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { createReader } from '../src/query/reader.ts'
import { createReaderRole } from '../src/query/reader-role.ts'
import { createDatabase } from './harness.ts'

/** A Postgres that asks the role for its password, with our tables. */
async function startAsking() {
  await using starting = new AsyncDisposableStack()
  const postgres = starting.use(await startPostgres())
  const { db, url: databaseUrl } = starting.use(await createDatabase(postgres))
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory')
  const rules = join(rows[0]?.data_directory ?? '', 'pg_hba.conf')
  const asking = 'host all corroport_reader 127.0.0.1/32 scram-sha-256\n'
  writeFileSync(rules, asking + readFileSync(rules, 'utf8'))
  await client.query('SELECT pg_reload_conf()')
  await client.end()
  const startRole = () => createReaderRole({ db, databaseUrl, readerUrl: undefined })
  return Object.assign(starting.move(), { startRole })
}

const request = { sql: 'SELECT 1', params: [], maxRows: 10, maxBytes: 1000, timeoutMs: 2000 }

test('a former password is refused, and neither of two processes is locked out', async () => {
  await using asking = await startAsking()
  const role = asking.startRole()
  const { url, schema } = await role.access()
  const wrong = new URL(url)
  wrong.password = 'wrong'
  const readWith = (given: string) =>
    createReader({ access: async () => ({ url: given, schema }), forget: () => undefined })(request)

  expect((await readWith(url)).rows).toEqual([[1]])
  await expect(readWith(wrong.href)).rejects.toThrow('password authentication failed')
  const other = asking.startRole()
  await other.access()
  await expect(readWith(url)).rejects.toThrow('password authentication failed')
  for (const each of [role, other, role]) {
    expect((await createReader(each)(request)).rows).toEqual([[1]])
  }
}, 30_000)
