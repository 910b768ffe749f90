import type { SettingValue } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { parse } from 'smol-toml'
import { checkSettings, findLosses, findTraps, gossipAddress } from './settings.ts'

const check = (name: string, value: SettingValue, file = '') =>
  checkSettings({ [name]: value }, parse(file))

test.each<[string, SettingValue]>([
  ['perf.min_sync_backoff', 5],
  ['db.cache_size_kib', -65_536],
  ['gossip.addr', '[fdaa::1]:8787'],
  ['gossip.client_addr', '0.0.0.0:0'],
  ['gossip.max_mtu', 1372],
  ['gossip.max_mtu', null],
  ['telemetry.prometheus.addr', null],
  ['log.format', 'json'],
  ['perf.apply_queue_batch_threshold_ratio', 0.5],
  ['reaper.tables.node_messages.retention', '7d'],
])('%s can be %j', (name, value) => {
  expect(check(name, value)).toMatchObject({
    problems: [],
    edits: [{ path: name.split('.'), value }],
  })
})

test.each<[string, SettingValue, string]>([
  [
    'perf.min_sync_backoff',
    '5',
    'perf.min_sync_backoff must be a whole number from 1 to 4294967295',
  ],
  ['perf.min_sync_backoff', 1.5, 'perf.min_sync_backoff must be a whole number'],
  [
    'perf.min_sync_backoff',
    Number.POSITIVE_INFINITY,
    'perf.min_sync_backoff must be a whole number',
  ],
  ['gossip.max_mtu', 1199, 'gossip.max_mtu must be a whole number from 1200 to 65535'],
  ['gossip.addr', 'host:8787', 'gossip.addr must be ip:port or [v6]:port, not a name'],
  ['gossip.addr', 'fdaa::1', 'gossip.addr must be ip:port'],
  ['gossip.addr', null, 'gossip.addr cannot go: agents need it'],
  ['gossip.bind_addr', null, 'gossip.bind_addr cannot go: agents need it'],
  ['log.format', 'xml', 'log.format must be "plaintext" or "json"'],
  ['log.colors', 1, 'log.colors must be true or false'],
  ['telemetry.open-telemetry', 'from_env', 'telemetry.open-telemetry must be "from-env"'],
  ['perf.min_sync_backof', 1, 'is perf.min_sync_backoff meant?'],
  ['reaper.tables.t.retention', 'soon', 'reaper.tables.t.retention must be a duration'],
  ['db.path', '/other.db', 'db.path is not changed here: another file is another database'],
  ['db.schema_paths', ['x'], 'db.schema_paths is not changed here'],
  ['api.addr', '0.0.0.0:1', "this node's services would lose their agent"],
  ['api.bind_addr', ['0.0.0.0:1'], "this node's services would lose their agent"],
  ['"api".addr', '0.0.0.0:1', "this node's services would lose their agent"],
  ['admin.uds_path', '/x', "this node's services would lose their agent"],
  ['api.authorization.bearer', 't', "this node's services would be refused"],
  ['gossip.bootstrap', ['a:1'], 'it is changed as bootstrap'],
  ['admin', '/x', 'admin is a table: name the settings in it'],
  ['gossip.tls', null, 'gossip.tls is a table: name the settings in it'],
  ['a b', 1, '"a b" is no name of a setting'],
  ['a = 1\nb', 1, 'is no name of a setting'],
  ['', 1, '"" is no name of a setting'],
  ['db.subscriptions_path', '\ud800', 'has half a character in it'],
])('%s cannot be %j', (name, value, problem) => {
  const { problems } = check(name, value)

  expect(problems).toEqual([expect.stringContaining(problem)])
})

test('all problems are told at once', () => {
  const { problems } = checkSettings({ 'gossip.max_mtu': 1, 'log.colors': 1, 'db.path': 'x' }, {})

  expect(problems).toHaveLength(3)
})

test('a setting and its other name are one', () => {
  const settings = { 'gossip.addr': '1.1.1.1:1', 'gossip.bind_addr': '1.1.1.1:2' }

  expect(checkSettings(settings, {}).problems).toEqual(['gossip.bind_addr is given twice'])
})

test('a setting that nobody knows is set, with a warning', () => {
  expect(check('gossip.new_thing.size', 1)).toMatchObject({
    problems: [],
    warnings: ['gossip.new_thing.size is not known: agents pass over what they do not know'],
    edits: [{ path: ['gossip', 'new_thing', 'size'], value: 1 }],
  })
})

test.each(['constructor', '__proto__.toString', 'gossip.constructor'])(
  'keys that JavaScript has a meaning for are keys like others: %s',
  (name) => {
    expect(check(name, 1)).toMatchObject({ problems: [], edits: [{ path: name.split('.') }] })
  },
)

test('a setting goes to the name that the file has for it', () => {
  expect(check('gossip.addr', '1.1.1.1:1', '[gossip]\nbind_addr = "2.2.2.2:2"').edits).toEqual([
    { path: ['gossip', 'bind_addr'], value: '1.1.1.1:1' },
  ])
  expect(check('gossip.bind_addr', '1.1.1.1:1', '[gossip]\naddr = "2.2.2.2:2"').edits).toEqual([
    { path: ['gossip', 'addr'], value: '1.1.1.1:1' },
  ])
})

test.each([
  ['[gossip]\naddr = "0.0.0.0:1"', 'gossip.addr is 0.0.0.0:1, and others are told it'],
  ['[gossip]\nplaintext = false', 'gossip.plaintext is not true'],
  ['[db]\npath = "x"', 'db.cache_size_kib is not set'],
])('a trap is named: %j', (file, trap) => {
  expect(findTraps(parse(file))).toContainEqual(expect.stringContaining(trap))
})

test('a file without traps has none', () => {
  const file = parse(`db.cache_size_kib = -65536
[gossip]
bind_addr = "[::]:8787"
external_addr = "[fdaa::1]:8787"
tls = { cert_file = "a", key_file = "b" }`)

  expect(findTraps(file)).toEqual([])
  expect(gossipAddress(file)).toBe('[fdaa::1]:8787')
})

test('a file with another API or database is told apart', () => {
  const before = parse('[db]\npath = "a"\n[api]\naddr = "1.1.1.1:1"')
  const after = parse('[db]\npath = "b"\n[api]\nbind_addr = "1.1.1.1:1"')

  expect(findLosses(before, after)).toEqual(['db.path is another one in the canonical file'])
})
