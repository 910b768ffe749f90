import { startPostgres } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Client } from 'pg'

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql)
    return rows.map(({ answer }) => answer)
  } finally {
    await client.end()
  }
}

test('it keeps its address and its data over a stop and over a crash', async () => {
  await using postgres = await startPostgres()
  const { url } = postgres
  await ask(url, "CREATE TABLE fact AS SELECT 'kept' AS answer")

  await postgres.stop()
  await expect(ask(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
  await postgres.start()
  expect(await ask(url, 'SELECT answer FROM fact')).toEqual(['kept'])

  await postgres.kill()
  await postgres.start()
  expect(await ask(url, 'SELECT answer FROM fact')).toEqual(['kept'])
  expect(postgres.url).toBe(url)
})

test('two at a time do not meet', async () => {
  await using one = await startPostgres()
  await using other = await startPostgres()

  await ask(one.url, 'CREATE TABLE mine (answer INTEGER)')

  expect(await ask(other.url, "SELECT to_regclass('mine') AS answer")).toEqual([null])
  expect(
    await ask(one.url, "SELECT current_setting('server_version_num')::int / 10000 AS answer"),
  ).toEqual([18])
})
