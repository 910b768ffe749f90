import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'smol-toml'
import { canonicalConfig, databasePathIn, runtimeConfig } from './agent-config.ts'
import { canonicalConfigPath } from './layout.ts'

const place = {
  databasePath: '/data/a "b"/corrosion.db',
  schemaFolder: '/srv/schemas',
  adminSocket: '/run/node1.sock',
  portOffset: 0,
  lab: { clockOffsetMs: 0, delaysMs: new Map<string, number>() },
}

test.each([1, 2, 3])('the committed configuration of node%i follows the pattern', (node) => {
  expect(readFileSync(canonicalConfigPath(node), 'utf8')).toBe(canonicalConfig(node))
})

test('every node but the first three is seeded by all of them', () => {
  expect(parse(canonicalConfig(2))).toMatchObject({
    gossip: { addr: '127.0.0.1:8788', bootstrap: ['127.0.0.1:8787', '127.0.0.1:8789'] },
  })
  expect(parse(canonicalConfig(10))).toMatchObject({
    gossip: {
      addr: '127.0.0.1:8796',
      bootstrap: ['127.0.0.1:8787', '127.0.0.1:8788', '127.0.0.1:8789'],
    },
  })
})

test('a start sets the paths of its machine', () => {
  expect(parse(runtimeConfig(canonicalConfig(1), place))).toMatchObject({
    db: {
      path: '/data/a "b"/corrosion.db',
      schema_paths: ['/srv/schemas'],
      cache_size_kib: -65_536,
    },
    gossip: { addr: '127.0.0.1:8787' },
    admin: { path: '/run/node1.sock' },
  })
})

test('a start keeps what it does not set, and every comment', () => {
  const edited = `# top
[db]
path = "x.db" # where
schema_paths = ["schemas"]

[gossip]
bootstrap = [ # seeds
  "127.0.0.1:8788",
]
max_mtu = 1372

[admin]
path = "x.sock"
`

  expect(runtimeConfig(edited, { ...place, portOffset: 100 })).toBe(`# top
[db]
path = "/data/a \\"b\\"/corrosion.db" # where
schema_paths = ["/srv/schemas"]

[gossip]
bootstrap = [ # seeds
  "127.0.0.1:8888",
]
max_mtu = 1372

[admin]
path = "/run/node1.sock"
`)
})

test('an offset moves the ports of the node and of its seeds', () => {
  expect(parse(runtimeConfig(canonicalConfig(1), { ...place, portOffset: 10_000 }))).toMatchObject({
    api: { addr: '127.0.0.1:18081' },
    gossip: {
      addr: '127.0.0.1:18787',
      client_addr: '127.0.0.1:0',
      bootstrap: ['127.0.0.1:18788', '127.0.0.1:18789'],
    },
    telemetry: { prometheus: { addr: '127.0.0.1:19501' } },
  })
})

test('a setting or a table that is absent is added', () => {
  expect(parse(runtimeConfig('[db]\n[gossip]\naddr = "127.0.0.1:1"\n', place))).toMatchObject({
    db: { path: '/data/a "b"/corrosion.db', schema_paths: ['/srv/schemas'] },
    admin: { path: '/run/node1.sock' },
  })
})

test('a start sets the delays of its links and its clock, and keeps what else is bent', () => {
  const lab = {
    clockOffsetMs: -500,
    delaysMs: new Map([
      ['127.0.0.1:8788', 45.7],
      ['127.0.0.1:8789', 106],
    ]),
  }
  const bent = `${canonicalConfig(1)}
[lab]
loss = 0.1

[lab.links."127.0.0.1:8788"]
delay_ms = 7 # before
jitter_ms = 3
`

  expect(parse(runtimeConfig(bent, { ...place, lab })).lab).toEqual({
    clock_offset_ms: -500,
    loss: 0.1,
    links: {
      '127.0.0.1:8788': { delay_ms: 45.7, jitter_ms: 3 },
      '127.0.0.1:8789': { delay_ms: 106 },
    },
  })
})

test('the database is found where the configuration puts it', () => {
  expect(databasePathIn(runtimeConfig(canonicalConfig(1), place))).toBe(place.databasePath)
})

test('a setting that is spread over lines is refused by name', () => {
  const spread = '[db]\npath = "x"\nschema_paths = [\n  "schemas",\n]\n[admin]\npath = "y"\n'

  expect(() => runtimeConfig(spread, place)).toThrow('write schema_paths of [db] on one line')
})

test('a canonical configuration that is no TOML is refused with the line', () => {
  expect(() => runtimeConfig('[db]\npath = x', place)).toThrow('2:')
})
