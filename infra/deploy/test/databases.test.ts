import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTokenBucket } from '@corroport/bus'
import { createTemporaryFolder, startPostgres } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { readSecret, rotateSecret } from '../src/secrets.ts'
import { deploy } from './deploy.ts'
import { startNatsWithUsers } from './nats-with-users.ts'

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

test('the roles of Postgres are made with their passwords and rights, and follow a rotation', async () => {
  using folder = createTemporaryFolder()
  await using postgres = await startPostgres()
  const place = `${new URL(postgres.url).host}/corroport`
  const dir = join(folder.path, 'secrets')
  await deploy(['init', '--dir', dir, '--nodes', '1', '--postgres', place])
  const ownerPassword = readSecret(dir, 'postgres/owner.password')
  await query(postgres.url, `CREATE ROLE corroport SUPERUSER LOGIN PASSWORD '${ownerPassword}'`)
  await query(postgres.url, 'CREATE DATABASE corroport OWNER corroport')
  const [{ hba_file: hba } = {}] = await query(postgres.url, 'SHOW hba_file')
  writeFileSync(
    String(hba),
    'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
  )
  await query(postgres.url, 'SELECT pg_reload_conf()')
  const volume = join(folder.path, 'volume')
  mkdirSync(volume)
  const apply = async () => {
    await deploy(['share', '--dir', dir, '--to', volume, '--as', 'migrate'])
    return await deploy(['postgres-roles', '--secrets', volume])
  }
  const urlOf = (role: string) => readSecret(dir, `postgres/${role}.url`)

  expect(await apply()).toEqual([
    'corroport',
    'corroport_analytics',
    'corroport_builds',
    'corroport_status',
  ])
  expect(await apply()).toHaveLength(4)

  await query(urlOf('analytics'), 'CREATE TABLE kept (id integer); CREATE ROLE reads_for_people')
  const stats = 'SELECT count(*)::int AS others FROM pg_stat_activity WHERE query IS NOT NULL'
  expect(await query(urlOf('status'), stats)).toEqual([{ others: expect.any(Number) }])
  for (const forbidden of [
    'SELECT * FROM kept',
    'CREATE TABLE mine (id integer)',
    'CREATE ROLE mine',
  ]) {
    await expect(query(urlOf('status'), forbidden)).rejects.toThrow(/permission denied/)
  }
  await expect(query(urlOf('analytics'), 'ALTER ROLE corroport PASSWORD NULL')).rejects.toThrow(
    /permission denied/,
  )

  for (const role of ['owner', 'analytics', 'status']) {
    const before = urlOf(role)
    rotateSecret(dir, `postgres/${role}.password`)
    await apply()
    await query(urlOf(role), 'SELECT 1')
    await expect(query(before, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  }
}, 60_000)

test('the first token is made known once, and a revoked one stays revoked', async () => {
  await using nats = await startNatsWithUsers(['node1'])
  const environment = {
    NATS_URL: nats.url,
    NATS_USER: 'migrate',
    NATS_PASSWORD_FILE: join(nats.dir, 'nats/migrate.password'),
  }
  const put = () =>
    deploy(['first-token', '--token-file', join(nats.dir, 'admin.token')], environment)

  expect(await put()).toEqual(['the first token is known now'])
  expect(await put()).toEqual(['the first token was known before'])
  await using bucket = await openTokenBucket(nats.access('migrate'))
  const [token, ...others] = await bucket.list()
  expect(token).toMatchObject({ name: 'admin', role: 'admin', revoked_at: null })
  expect(others).toEqual([])

  await bucket.revoke(token?.id ?? '')
  await put()
  expect((await bucket.find(token?.id ?? ''))?.revoked_at).toEqual(expect.any(String))
  await expect(openTokenBucket(nats.access('analytics'))).rejects.toThrow(/permissions violation/i)
}, 60_000)

test('a rotated password of NATS counts after its file was read again', async () => {
  await using nats = await startNatsWithUsers(['node1'])
  const before = nats.access('migrate')
  rotateSecret(nats.dir, 'nats/migrate.password')

  await nats.reload()

  await expect(openTokenBucket(before)).rejects.toThrow(/authorization/i)
  await using bucket = await openTokenBucket(nats.access('migrate'))
  expect(await bucket.list()).toEqual([])
})
