import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { parse } from 'smol-toml'
import { editToml, type TomlEdit } from './edit-toml.ts'

const file = `# Corrosion agent of node1. 🦀
[db]
path = "/data/corrosion.db"   # on the large disk
cache_size_kib = -65536

[gossip]
addr = "127.0.0.1:8787" # UDP
bootstrap = ["127.0.0.1:8788", '127.0.0.1:8789']
plaintext = true

[api]
addr = "127.0.0.1:8081"

[telemetry]
prometheus.addr = "127.0.0.1:9501"

[log]
colors = false
`

const bootstrap = (...value: string[]): TomlEdit => ({ path: ['gossip', 'bootstrap'], value })

function set(name: string, value: TomlEdit['value']): TomlEdit {
  return { path: name.split('.'), value }
}

test('an existing value is replaced and everything else is kept', () => {
  expect(editToml(file, [set('db.cache_size_kib', -32768), set('log.colors', true)])).toBe(
    file.replace('-65536', '-32768').replace('colors = false', 'colors = true'),
  )
})

test('a list on one line keeps the spelling of what stays', () => {
  expect(editToml(file, [bootstrap('127.0.0.1:8789', 'seed.internal:8787')])).toBe(
    file.replace(
      `["127.0.0.1:8788", '127.0.0.1:8789']`,
      `['127.0.0.1:8789', "seed.internal:8787"]`,
    ),
  )
})

const list = `[gossip]
bootstrap = [ # in this order
  # Frankfurt
  "fra-1:8787", # the old machine
  "fra-2:8787",

  # Sydney # and more
  'syd-1:8787' # far
  , "syd-2:8787"
]
plaintext = true
`

const edits: [name: string, text: string, change: TomlEdit[], after: string][] = [
  ['nothing', list, [bootstrap('fra-1:8787', 'fra-2:8787', 'syd-1:8787', 'syd-2:8787')], list],
  [
    'an element of a list over several lines goes with the comment beside it',
    list,
    [bootstrap('fra-2:8787', 'syd-1:8787', 'syd-2:8787')],
    `[gossip]
bootstrap = [ # in this order
  # Frankfurt
  "fra-2:8787",

  # Sydney # and more
  'syd-1:8787', # far
   "syd-2:8787"
]
plaintext = true
`,
  ],
  [
    'a new element gets a line of its own',
    '[gossip]\nbootstrap = [\n    "a:1", # a\n    "b:1" # b\n]\n',
    [bootstrap('a:1', 'b:1', 'c:1')],
    '[gossip]\nbootstrap = [\n    "a:1", # a\n    "b:1", # b\n    "c:1"\n]\n',
  ],
  [
    'a comma at the end stays at the end',
    '[gossip]\nbootstrap = [\n  "a:1",\n  "b:1",\n]\n',
    [bootstrap('b:1', 'c:1')],
    '[gossip]\nbootstrap = [\n  "b:1",\n  "c:1",\n]\n',
  ],
  [
    'all elements go, comments on lines of their own stay',
    '[gossip]\nbootstrap = [\n  # seeds\n  "a:1", # old\n]\n',
    [bootstrap()],
    '[gossip]\nbootstrap = [\n  # seeds\n]\n',
  ],
  [
    'elements in another order take their comments along',
    '[gossip]\nbootstrap = ["a:1", "b#1:1", # two\n  "c:1"]\n',
    [bootstrap('c:1', 'b#1:1', 'a:1')],
    '[gossip]\nbootstrap = [\n  "c:1", "b#1:1", # two\n  "a:1"]\n',
  ],
  [
    'a list with nothing but a comment is filled',
    '[gossip]\nbootstrap = [ # none yet\n]\n',
    [bootstrap('a:1')],
    '[gossip]\nbootstrap = [ # none yet\n  "a:1"\n]\n',
  ],
  [
    'an empty list is filled',
    '[gossip]\nbootstrap = []\n',
    [bootstrap('a:1', 'b:1')],
    '[gossip]\nbootstrap = ["a:1", "b:1"]\n',
  ],
  [
    'spaces in the brackets stay',
    '[gossip]\nbootstrap = [ "a:1" ]\n',
    [bootstrap('b:1', 'a:1')],
    '[gossip]\nbootstrap = [ "b:1", "a:1" ]\n',
  ],
  [
    'a text becomes a list',
    '[api]\naddr = "[::]:1"\n',
    [set('api.addr', ['a', 'b'])],
    '[api]\naddr = ["a", "b"]\n',
  ],
  [
    'a dotted key',
    '[telemetry]\nprometheus.addr = "a:1" # here\n',
    [set('telemetry.prometheus.addr', 'b:2')],
    '[telemetry]\nprometheus.addr = "b:2" # here\n',
  ],
  [
    'an inline table',
    'log = { format = "json", colors = false }\n',
    [set('log.colors', true)],
    'log = { format = "json", colors = true }\n',
  ],
  [
    'a quoted key',
    '["gossip"]\n"max_mtu" = 1300\n',
    [set('gossip.max_mtu', 1400)],
    '["gossip"]\n"max_mtu" = 1400\n',
  ],
  [
    'a key with dots',
    '[lab.links."127.0.0.1:1"]\ndelay_ms = 1\n',
    [{ path: ['lab', 'links', '127.0.0.1:1', 'delay_ms'], value: 2 }],
    '[lab.links."127.0.0.1:1"]\ndelay_ms = 2\n',
  ],
  ['a float stays one', '[perf]\nratio = 0.9\n', [set('perf.ratio', 1)], '[perf]\nratio = 1.0\n'],
  [
    'Windows line ends',
    '[gossip]\r\naddr = "a:1"\r\n[api]\r\n',
    [set('gossip.plaintext', true)],
    '[gossip]\r\naddr = "a:1"\r\nplaintext = true\r\n[api]\r\n',
  ],
  [
    'Windows line ends in a list',
    '[gossip]\r\nbootstrap = [\r\n  "a:1", # a\r\n]\r\n',
    [bootstrap('b:1', 'a:1')],
    '[gossip]\r\nbootstrap = [\r\n  "b:1",\r\n  "a:1", # a\r\n]\r\n',
  ],
  [
    'a missing key goes below the last one, indented like it',
    '[gossip]\n  addr = "a:1" # UDP\n\n# next\n[api]\n',
    [set('gossip.max_mtu', 1300)],
    '[gossip]\n  addr = "a:1" # UDP\n  max_mtu = 1300\n\n# next\n[api]\n',
  ],
  [
    'a missing key of an empty table',
    '[log] # logs\n[api]\n',
    [set('log.colors', false)],
    '[log] # logs\ncolors = false\n[api]\n',
  ],
  [
    'a missing table',
    '[db]\npath = "x"\n',
    [set('perf.min_sync_backoff', 2)],
    '[db]\npath = "x"\n\n[perf]\nmin_sync_backoff = 2\n',
  ],
  [
    'a missing table without a last line end',
    '[db]\npath = "x"',
    [set('perf.a', 2), set('perf.b', 3)],
    '[db]\npath = "x"\n\n[perf]\na = 2\nb = 3',
  ],
  ['an empty file', '', [set('log.colors', false)], '[log]\ncolors = false\n'],
  [
    'a key outside all tables',
    '[db]\npath = "x"\n',
    [set('lone', 1)],
    'lone = 1\n[db]\npath = "x"\n',
  ],
  [
    'a missing table beside its own sub-table',
    '[telemetry.prometheus]\naddr = "a:1"\n',
    [set('telemetry.x', 1)],
    '[telemetry.prometheus]\naddr = "a:1"\n\n[telemetry]\nx = 1\n',
  ],
  [
    'a table of dotted keys is continued beside them',
    '[telemetry]\nprometheus.addr = "a:1"\n\n[log]\n',
    [set('telemetry.prometheus.x', 1)],
    '[telemetry]\nprometheus.addr = "a:1"\nprometheus.x = 1\n\n[log]\n',
  ],
  [
    'dotted keys outside all tables',
    'log.format = "json"\n[db]\n',
    [set('log.colors', false)],
    'log.format = "json"\nlog.colors = false\n[db]\n',
  ],
  [
    'an inline table gets a key',
    '[api]\nauthz = { bearer-token = "t" }\n',
    [set('api.authz.x', 'y')],
    '[api]\nauthz = { bearer-token = "t", x = "y" }\n',
  ],
  [
    'an empty inline table gets a key',
    '[api]\nauthz = {}\n',
    [set('api.authz.bearer-token', 'y')],
    '[api]\nauthz = { bearer-token = "y" }\n',
  ],
  [
    'a setting goes with its comment',
    file,
    [set('db.cache_size_kib', null)],
    file.replace('cache_size_kib = -65536\n', ''),
  ],
  [
    'a setting of several lines goes',
    list,
    [set('gossip.bootstrap', null)],
    '[gossip]\nplaintext = true\n',
  ],
  [
    'the last setting, without a line end',
    '[log]\ncolors = true\nformat = "json"',
    [set('log.format', null)],
    '[log]\ncolors = true\n',
  ],
  [
    'a sub-table that would be empty goes too',
    '[telemetry]\n\n[telemetry.prometheus] # out\naddr = "a:1"\n# kept\n[log]\n',
    [set('telemetry.prometheus.addr', null)],
    '[telemetry]\n\n# kept\n[log]\n',
  ],
  [
    'an inline table that would be empty goes too',
    '[telemetry]\nprometheus = { addr = "a:1" }\n[log]\n',
    [set('telemetry.prometheus.addr', null)],
    '[telemetry]\n[log]\n',
  ],
  [
    'the first of an inline table goes',
    'log = { a = 1, b = 2 }\n',
    [set('log.a', null)],
    'log = { b = 2 }\n',
  ],
  [
    'the last of an inline table goes',
    'log = { a = 1, b = 2 }\n',
    [set('log.b', null)],
    'log = { a = 1 }\n',
  ],
  ['what is not there need not go', file, [set('perf.min_sync_backoff', null)], file],
  [
    'a text with quotes and line ends',
    '[a]\nb = 1\n',
    [set('a.b', 'x"\n\\\u007f')],
    '[a]\nb = "x\\"\\n\\\\\\u007f"\n',
  ],
]

test.each(edits)('%s', (_name, text, change, after) => {
  expect(editToml(text, change)).toBe(after)
})

test('the same edit made twice is made once', () => {
  for (const [, text, change] of edits) {
    const once = editToml(text, change)
    expect(editToml(once, change)).toBe(once)
    expect(() => parse(once)).not.toThrow()
  }
})

test('a list in whatever layout becomes what is wanted, and keeps its lines of comment', () => {
  const seed = Number(process.env.CORROPORT_SEED ?? 20_260_115)
  const random = seededRandom(seed)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
  const names = ['a:1', 'b#:1', 'c,:1', 'd]:1', 'e:1']
  const some = () => names.filter(() => random() < 0.6).toSorted(() => random() - 0.5)

  for (let round = 0; round < 2000; round += 1) {
    const elements = some()
    let text = `[gossip]\nbootstrap = [${pick(['', ' ', ' # open\n', '\n', '\n\n  '])}`
    elements.forEach((element, index) => {
      text += pick(['', ' ', '\n  ', `\n  # above, "${index}"]\n  `])
      text += pick([`"${element}"`, `'${element}'`])
      const comma = index < elements.length - 1 || random() < 0.5 ? ',' : ''
      text += pick([
        comma,
        ` ${comma}`,
        ` # early\n ${comma}`,
        `${comma} # beside, ]\n`,
        `${comma}\n`,
      ])
    })
    text += `]\nplaintext = true # after\n`
    const wanted = some()

    const edited = editToml(text, [bootstrap(...wanted)])

    const shown = `seed ${seed}, round ${round}:\n${text}\n${edited}`
    expect([shown, parse(edited)]).toEqual([
      shown,
      { gossip: { bootstrap: wanted, plaintext: true } },
    ])
    const above = /# above, "\d"\]/g
    expect([shown, edited.match(above)?.length]).toEqual([shown, text.match(above)?.length])
  }
})

test.each([
  ['[a]\nb = 1\nb = 2\n', 'line 3, column 1: trying to redefine'],
  ['[a]\nb = ', 'line 2, column 5'],
  ['[a', 'line 1, column 2'],
  ['a = 1\n\n  = 2', 'line 3, column 3'],
])('text that is no TOML is refused with its place: %j', (text, message) => {
  expect(() => editToml(text, [set('a.b', 1)])).toThrow(message)
})

test.each([
  ['a list of tables', '[[api.pg]]\naddr = "a:1"\n', 'api.pg.addr'],
  ['below a value', '[log]\nformat = "json"\n', 'log.format.x'],
  ['a table', '[telemetry]\nprometheus.addr = "a"\n', 'telemetry.prometheus'],
])('what cannot be set without harm is refused: %s', (_name, text, name) => {
  expect(() => editToml(text, [set(name, 1)])).toThrow(name.split('.')[0] ?? '')
})

test('keys that JavaScript has a meaning for are keys like others', () => {
  expect(editToml('', [{ path: ['__proto__', 'constructor'], value: 1 }])).toBe(
    '[__proto__]\nconstructor = 1\n',
  )
})
