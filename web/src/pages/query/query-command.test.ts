import { expect, test } from '@jest/globals'
import { asCli, asCurl, toRequest } from './query-command.ts'

const local = { origin: 'http://localhost:4001', wantsToken: false }
const far = { origin: 'https://console.example:8443', wantsToken: true }

test('what has its default is not asked for', () => {
  expect(toRequest({ sql: 'SELECT 1' }, {})).toEqual({ sql: 'SELECT 1' })
  expect(
    toRequest({ sql: 'SELECT 1', nodes: 'all', key: 'a, b', rows: 5, timeout: 50 }, {}),
  ).toEqual({ sql: 'SELECT 1', nodes: 'all', key: ['a', 'b'], max_rows: 5, timeout_ms: 50 })
})

test('analytics is asked as one, whatever nodes were chosen before', () => {
  const query = { sql: 'SELECT 1', source: 'analytics', nodes: 'node1', key: 'a' } as const

  expect(toRequest(query, {})).toEqual({ sql: 'SELECT 1', source: 'analytics' })
})

test.each([
  [{ sql: "SELECT 'a'" }, local, `npx corroport query 'SELECT '\\''a'\\'''`],
  [{ sql: '-- why\nSELECT 1' }, local, "npx corroport query -- '-- why\nSELECT 1'"],
  [
    { sql: 'SELECT :a', params: { a: "it's" }, nodes: ['node1', 'node2'] },
    local,
    `npx corroport query --nodes node1,node2 --param 'a=it'\\''s' 'SELECT :a'`,
  ],
  [
    { sql: 'S', params: { a: '7', b: 'null', c: null, d: { $integer: '9223372036854775807' } } },
    local,
    `npx corroport query --param 'a="7"' --param 'b="null"' --param c=null --param d=9223372036854775807 S`,
  ],
  [
    { sql: 'S', source: 'analytics' as const, max_rows: 5, timeout_ms: 2000 },
    far,
    'npx corroport query --url https://console.example:8443 --source analytics --max-rows 5 --timeout 2000ms S',
  ],
  [{ sql: 'S', params: { a: { $blob: 'AP8=' } } }, local, undefined],
])('%j as a command line', (request, place, command) => {
  expect(asCli(request, place)).toBe(command)
})

test('curl gets the body as it is, and the token from the environment', () => {
  expect(asCurl({ sql: "SELECT 'a'\n" }, far)).toBe(
    `curl -sS https://console.example:8443/api/query -H 'content-type: application/json' ` +
      `--data-raw '{"sql":"SELECT '\\''a'\\''\\n"}' -H "authorization: Bearer $CORROPORT_TOKEN"`,
  )
})
