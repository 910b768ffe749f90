import { expect, test } from '@jest/globals'

import { formatAddress } from './address.ts'
import { type Resolve, resolveBootstrap } from './bootstrap.ts'

const own = { host: '10.0.0.1', port: 8787 }

const names: Record<string, string[]> = {
  seed: ['10.0.0.2', '10.0.0.1', 'fdaa::2'],
  'asked@10.0.0.53': ['10.0.0.3'],
  empty: [],
}

const resolve: Resolve = (name, resolver) => {
  const found = names[resolver === undefined ? name : `${name}@${resolver}`]
  return found
    ? Promise.resolve(found)
    : Promise.reject(Object.assign(new Error('server failed'), { code: 'ESERVFAIL' }))
}

async function addresses(...entries: string[]): Promise<string[] | undefined> {
  const found = await resolveBootstrap(entries, own, resolve)
  return found?.map(formatAddress).toSorted()
}

test('literal addresses are taken as they are, but for the own one', async () => {
  expect(await addresses('10.0.0.9:1', '[fdaa::9]:2', '10.0.0.1:8787')).toEqual([
    '10.0.0.9:1',
    '[fdaa::9]:2',
  ])
})

test('a name gives its addresses of the own family, at port 4001 if it names none', async () => {
  expect(await addresses('seed')).toEqual(['10.0.0.1:4001', '10.0.0.2:4001'])
  expect(await addresses('seed:8787')).toEqual(['10.0.0.2:8787'])
  expect(await addresses('asked:1@10.0.0.53', 'empty')).toEqual(['10.0.0.3:1'])
})

test('one name that cannot be asked for discards the whole list', async () => {
  expect(await addresses('10.0.0.9:1', 'broken')).toBeUndefined()
})

test('what cannot be a port is passed over', async () => {
  expect(await addresses('seed:x', 'seed:70000')).toEqual([])
})

test('localhost is resolved by the machine', async () => {
  const found = await resolveBootstrap(['localhost:9'], { host: '127.0.0.1', port: 1 })

  expect(found).toEqual([{ host: '127.0.0.1', port: 9 }])
})
