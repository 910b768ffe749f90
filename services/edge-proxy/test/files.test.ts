// What is read from files: the table where there is no agent, and the database of countries.
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { clientIn, createTableFile, rowOf, start, startBackend } from './proxy.ts'

let stack: AsyncDisposableStack
let folder: string
beforeEach(() => {
  stack = new AsyncDisposableStack()
  folder = stack.use(createTemporaryFolder()).path
})
afterEach(() => stack.disposeAsync())

async function setUp(environment: Record<string, string>) {
  return stack.use(
    await start({
      EDGEPROXY_DB_RELOAD_SECS: '0.1',
      EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
      ...environment,
    }),
  )
}

test('a table that comes, goes wrong and is mended: what was read before stays meanwhile', async () => {
  const path = join(folder, 'routing.db')
  const [one, two] = [stack.use(await startBackend('one')), stack.use(await startBackend('two'))]
  const { ask, metric } = await setUp({ EDGEPROXY_DB_PATH: path })
  const isLive = async (live: number) => (await metric('edgeproxy_table_live')) === live
  expect(await ask()).toBe(undefined)
  expect(await isLive(0)).toBe(true)

  const table = createTableFile(path)
  table.set([rowOf(one)])
  await until(async () => (await ask()) === 'one')
  expect(await isLive(1)).toBe(true)

  rmSync(path)
  writeFileSync(
    path,
    'this is no database, and it is long enough to be taken for the header of one'.repeat(20),
  )
  await until(() => isLive(0))
  expect(await ask()).toBe('one')
  rmSync(path)
  expect(await ask()).toBe('one')

  createTableFile(path).set([rowOf(two)])
  await until(async () => (await ask()) === 'two')
  expect(await isLive(1)).toBe(true)
})

test('a database of countries is read again when it is replaced, and kept when the new one is none', async () => {
  const usual = createRequire(import.meta.url).resolve(
    '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  )
  const table = join(folder, 'routing.db')
  const database = join(folder, 'countries.mmdb')
  const [near, far] = [stack.use(await startBackend('near')), stack.use(await startBackend('far'))]
  createTableFile(table).set([rowOf(near), rowOf(far, { region: 'us' })])
  writeFileSync(database, 'none')
  const { ask } = await setUp({
    EDGEPROXY_DB_PATH: table,
    EDGEPROXY_GEOIP_PATH: database,
    EDGEPROXY_REGION: 'us',
  })
  // In no country that is known: the region of the proxy.
  await until(async () => (await ask({ from: clientIn.DE })) === 'far')
  const replace = (write: (path: string) => void): void => {
    const draft = join(folder, 'draft')
    write(draft)
    renameSync(draft, database)
  }

  replace((draft) => copyFileSync(usual, draft))
  await until(async () => (await ask({ from: clientIn.DE })) === 'near')
  replace((draft) => writeFileSync(draft, 'none again'))
  for (let time = 0; time < 20; time += 1) {
    expect(await ask({ from: clientIn.DE })).toBe('near')
  }
})
