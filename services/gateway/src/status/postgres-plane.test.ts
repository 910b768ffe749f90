import { expect, test } from '@jest/globals'
import { describePostgres, durability, maskSecrets } from './postgres-plane.ts'

function factsOf(names: string, syncs: readonly string[]) {
  return {
    is_standby: false,
    version: '18.4',
    synchronous_standby_names: names,
    replicas: syncs.map((sync, index) => ({
      name: `pg${index + 2}`,
      state: 'streaming',
      sync,
      replay_lag_ms: null,
    })),
    latencyMs: 1,
    migrations: { current: 'a', pending: [] },
  }
}

test.each([
  ['', [], { wanted: 1, effective: 1 }],
  ['', ['async', 'async'], { wanted: 1, effective: 1 }],
  ['pg2, pg3', ['sync', 'potential'], { wanted: 2, effective: 2 }],
  ['ANY 1 (pg2, pg3)', ['quorum', 'quorum'], { wanted: 2, effective: 3 }],
  ['FIRST 2 (pg2, pg3)', ['sync'], { wanted: 3, effective: 2 }],
  ['2 (pg2, pg3)', [], { wanted: 3, effective: 1 }],
])('commits with %j and %j are on as many servers', (names, syncs, expected) => {
  expect(durability(factsOf(names, syncs))).toEqual(expected)
})

test.each([
  [[], 'ok', null],
  [['b', 'c'], 'degraded', 'migrations are missing: b, c; run corroport analytics migrate'],
])('with the migrations %j pending its plane is %s', (pending, state, error) => {
  const value = { ...factsOf('', []), migrations: { current: 'a', pending } }
  const reading = { state: 'found' as const, ageMs: 5, error: null, value, lastFound: value }

  const plane = describePostgres({
    read: () => reading,
    pool: () => ({ size: 1, idle: 1, waiting: 0 }),
  })

  expect(plane).toMatchObject({ state, error, migrations: { current: 'a', pending } })
})

test.each([
  ['postgres://me:s3cret@db/x', 's3cret was refused', '*** was refused'],
  ['postgres://me:p%40ss@db/x', 'p@ss and p%40ss', '*** and ***'],
  ['postgres://db/x?user=me&password=s3cret', 'of s3cret', 'of ***'],
  ['postgres://me:100%@db/x', 'of 100%', 'of ***'],
  ['postgres://me@db/x', 'no route', 'no route'],
])('the password of %s is not told', (url, text, masked) => {
  expect(maskSecrets(text, url)).toBe(masked)
})
