import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readAgentConfig } from '../src/config/agent-config.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

const least = `[db]
path = "data/corrosion.db"
[api]
addr = "127.0.0.1:8081"
[gossip]
addr = "127.0.0.1:8787"
plaintext = true
`

async function read(toml: string, env: NodeJS.ProcessEnv = {}) {
  const path = join(folder, 'agent.toml')
  await writeFile(path, toml)
  return readAgentConfig(path, env)
}

/** What is wrong, with the file's name left out. */
async function problemsOf(toml: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  try {
    await read(toml, env)
    return []
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ConfigError') throw error
    return error.message.replaceAll(join(folder, 'agent.toml'), 'file').split('\n')
  }
}

describe('the configuration', () => {
  test('needs three settings and the word plaintext', async () => {
    expect(await read(least)).toEqual({
      path: join(folder, 'agent.toml'),
      db: {
        path: 'data/corrosion.db',
        schemaPaths: [],
        subscriptionsPath: 'data/subscriptions',
      },
      api: { addresses: [{ host: '127.0.0.1', port: 8081 }] },
      gossip: { address: { host: '127.0.0.1', port: 8787 }, bootstrap: [] },
      admin: { path: '/var/run/corrosion/admin.sock' },
      lab: {
        clockOffsetMs: 0,
        everyLink: { delayMs: 0, jitterMs: 0, loss: 0, bandwidthKbps: null, isCut: false },
        links: new Map(),
      },
      log: { format: 'plaintext' },
      unused: [],
      unknown: [],
    })
  })

  test('takes every setting of Corrosion, and names those without effect', async () => {
    const config = await read(`
[db]
path = "/data/corrosion.db"
schema_paths = ["schemas", "more.sql"]
subscriptions_path = "/subs"
cache_size_kib = -65536
[api]
bind_addr = ["127.0.0.1:8081", "[::1]:8081"]
endpoint_name = "public"
authorization = { bearer-token = "secret" }
pg = { addr = "127.0.0.1:5432" }
[gossip]
bind_addr = "0.0.0.0:8787"
external_addr = "10.0.0.1:8787"
client_addr = "0.0.0.0:0"
bootstrap = ["10.0.0.2:8787", "seed@10.0.0.53"]
idle_timeout_secs = 30
member_id = 7
secret = "cluster"
tls = { cert_file = "a", key_file = "b" }
[admin]
uds_path = "/run/admin.sock"
[telemetry]
prometheus.bind_addr = "127.0.0.1:9501"
open-telemetry = "from-env"
[log]
format = "json"
colors = false
[perf]
sql_tx_timeout = 60
[consul.client]
address = "127.0.0.1:8501"
[reaper]
check_interval = 3600
`)

    expect(config).toMatchObject({
      db: { schemaPaths: ['schemas', 'more.sql'], subscriptionsPath: '/subs' },
      api: {
        addresses: [
          { host: '127.0.0.1', port: 8081 },
          { host: '::1', port: 8081 },
        ],
        endpointName: 'public',
        bearerToken: 'secret',
      },
      gossip: {
        address: { host: '0.0.0.0', port: 8787 },
        externalAddress: { host: '10.0.0.1', port: 8787 },
        bootstrap: ['10.0.0.2:8787', 'seed@10.0.0.53'],
        memberId: 7,
        secret: 'cluster',
      },
      admin: { path: '/run/admin.sock' },
      prometheus: { host: '127.0.0.1', port: 9501 },
      log: { format: 'json' },
      unknown: [],
    })
    expect(config.unused.toSorted()).toEqual([
      'api.pg',
      'consul',
      'db.cache_size_kib',
      'gossip.client_addr',
      'gossip.idle_timeout_secs',
      'gossip.tls',
      'perf.sql_tx_timeout',
      'reaper',
      'telemetry.open-telemetry',
    ])
  })

  test('bends the network by [lab]', async () => {
    const { lab } = await read(`${least}
[lab]
clock_offset_ms = -250
delay_ms = 40
loss = 0.1
[lab.links."127.0.0.1:8788"]
cut = true
[lab.links."[0:0::1]:8788"]
bandwidth_kbps = 512
`)

    expect(lab).toEqual({
      clockOffsetMs: -250,
      everyLink: { delayMs: 40, jitterMs: 0, loss: 0.1, bandwidthKbps: null, isCut: false },
      links: new Map([
        ['127.0.0.1:8788', { isCut: true }],
        ['[::1]:8788', { bandwidthKbps: 512 }],
      ]),
    })
  })

  test('names unknown keys, and goes on', async () => {
    const config = await read(`${least}\nboostrap = []\n[other]\na = 1\n[lab]\ndelay = 5\n`)

    expect(config.unknown).toEqual(['gossip.boostrap', 'other', 'lab.delay'])
  })

  test('gives way to the environment', async () => {
    const config = await read(least, {
      DB__PATH: '/elsewhere.db',
      API__ADDR: '[::1]:1',
      gossip__member_id: '9',
      LOG__COLORS: 'false',
      LOG__FORMAT: 'json',
      TELEMETRY__PROMETHEUS__ADDR: '127.0.0.1:2',
      LAB__DELAY_MS: '12.5',
      UNRELATED__KEY: 'x',
    })

    expect(config).toMatchObject({
      db: { path: '/elsewhere.db' },
      api: { addresses: [{ host: '::1', port: 1 }] },
      gossip: { memberId: 9 },
      log: { format: 'json' },
      prometheus: { host: '127.0.0.1', port: 2 },
      lab: { everyLink: { delayMs: 12.5 } },
      unknown: [],
    })
  })
})

const address = 'ip:port or [ip]:port (a host name cannot stand here)'

describe('a wrong configuration', () => {
  test.each<[what: string, toml: string, problems: string[]]>([
    [
      'TOML with an error',
      'a = 1\n[db\n',
      ['file line 2 column 4: Invalid TOML document: illegal character in key'],
    ],
    [
      'nothing',
      '',
      [
        'file: db.path is missing, it must be a text that is not empty',
        `file: api.addr is missing, it must be one or a list of ${address}`,
        `file: gossip.addr is missing, it must be ${address}`,
        'file: gossip.plaintext must be true: either plaintext or a tls config is required',
      ],
    ],
    [
      'a host name',
      least.replace('127.0.0.1:8787', 'localhost:8787'),
      [`file line 6: gossip.addr must be ${address}, not "localhost:8787"`],
    ],
    [
      'no plaintext',
      least.replace('true', 'false'),
      ['file line 7: gossip.plaintext must be true: either plaintext or a tls config is required'],
    ],
    [
      'a wrong type after a list of several lines',
      `${least}bootstrap = [\n  "a",\n  "b",\n]\nmember_id = "x"\n`,
      ['file line 12: gossip.member_id must be a whole number from 0 to 65535, not "x"'],
    ],
    [
      'one setting under two names',
      least.replace('[gossip]', 'bind_addr = "127.0.0.1:1"\n[gossip]'),
      ['file line 5: api.bind_addr is the same setting as addr'],
    ],
    [
      'a section that is no table',
      `log = 5\n${least}`,
      ['file line 1: log must be a table, not 5'],
    ],
    [
      'a kind of authorization that does not exist',
      least.replace('[gossip]', 'authz = { basic = "x", bearer = 12 }\n[gossip]'),
      [
        'file line 5: api.authz.basic is no kind of authorization, bearer-token is',
        'file line 5: api.authz.bearer must be a text that is not empty, not what it is',
      ],
    ],
    [
      'a wrong value of a setting without effect',
      `${least}[perf]\nsql_tx_timeout = "long"\n`,
      ['file line 9: perf.sql_tx_timeout must be a whole number from 0 to 4294967295, not "long"'],
    ],
    [
      'links of the laboratory',
      `${least}[lab.links."node2:8788"]\nloss = 2\n`,
      [
        'file line 8: lab.links."node2:8788" must be named by the gossip address of the peer, ip:port',
        'file line 9: lab.links."node2:8788".loss must be a number from 0 to 1, not 2',
      ],
    ],
  ])('is refused by file, line and key: %s', async (_what, toml, problems) => {
    expect(await problemsOf(toml)).toEqual(problems)
  })

  test('of the environment is refused by the name of the variable', async () => {
    expect(
      await problemsOf(least, { LOG: 'debug', GOSSIP__BOOTSTRAP: 'a,b', API__ADDR: 'here:1' }),
    ).toEqual([
      'environment variable LOG: hides [log], unset it',
      `environment variable API__ADDR: api.addr must be one or a list of ${address}, not "here:1"`,
      'environment variable GOSSIP__BOOTSTRAP: gossip.bootstrap must be a list of texts, which only the file can give, not "a,b"',
    ])
  })

  test('file that cannot be read is named', () => {
    expect(() => readAgentConfig(join(folder, 'none.toml'), {})).toThrow(
      `cannot read ${join(folder, 'none.toml')}: there is no such file; name the file with --config`,
    )
    expect(() => readAgentConfig(folder, {})).toThrow('it is a folder')
  })
})
