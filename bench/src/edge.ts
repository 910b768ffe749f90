// The edge proxy beside HAProxy: each on one core, everything else on the other, in turns.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createTemporaryFolder, freePort, startCorrosionAgent, until } from '@corroport/testing'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { measureSelection } from './edge-selection.ts'
import { residentMegabytes } from './process-memory.ts'
import { type Distribution, describe } from './quantiles.ts'
import { writeResult } from './result.ts'

const say = (line: string): void => console.error(line)
const root = join(import.meta.dirname, '../..')
const rounds = 3
const roundsOfLatency = 5
const secondsOfPeak = 8
const secondsOfLatency = 8
// So many take turns in keeping the pace: more of them leave together, and wait for one another.
const paced = 4
const longConnections = 64
const idleConnections = 9800 // both sides of each stay below the 20,000 descriptors of many machines
const registrations = 30
const killedPerSecond = 500
const secondsOfKill = 20
const weighted = 100_000
const sequential = 1000
const secondsAway = 60
const missed = 20

for (const program of ['haproxy', 'wrk', 'hey', 'iperf3', 'taskset']) {
  if (spawnSync('which', [program]).status !== 0) {
    throw new Error(`${program} is missing: apt-get install haproxy wrk hey iperf3 util-linux`)
  }
}

using folder = createTemporaryFolder()
await using stack = new AsyncDisposableStack()
/** Of the two cores: the proxy that is measured has the first for itself. */
const core = { proxy: '0', rest: '1' } as const

function start(on: keyof typeof core, command: string, args: string[], env = {}): ChildProcess {
  const child = spawn('taskset', ['-c', core[on], command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = once(child, 'exit')
  child.kill('SIGKILL')
  await over
}

/** What a child prints, once it has ended; or its first line. */
async function output(child: ChildProcess, what: 'line' | 'all' = 'all'): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (what === 'line' && text.includes('\n')) break
  }
  return text
}

async function startHaproxy(name: string, config: string, on: keyof typeof core) {
  const path = join(folder.path, `${name}.cfg`)
  const common = `global
  nbthread 1
  maxconn 9900
defaults
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-request 1h
`
  writeFileSync(path, common + config)
  const child = start(on, 'haproxy', ['-db', '-q', '-f', path])
  stack.defer(() => end(child))
  return child
}

async function startHttp(name: string): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort()
  const child = await startHaproxy(
    name,
    `frontend f
  mode http
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "hello"
`,
    'rest',
  )
  await listens(port)
  return { port, child }
}

async function listens(port: number): Promise<void> {
  await until(
    () =>
      new Promise<boolean>((resolve) => {
        const socket: Socket = connect({ host: '127.0.0.1', port }, () => {
          socket.destroy()
          resolve(true)
        })
        socket.on('error', () => resolve(false))
      }),
  )
}

interface Row {
  id: string
  port: number
  app?: string
  weight?: number
  hardLimit?: number
}

/** A table of its own, for a proxy without Corrosion. */
function writeTable(name: string, rows: readonly Row[]): string {
  const path = join(folder.path, `${name}.db`)
  using db = new DatabaseSync(path)
  db.exec(readFileSync(join(root, 'corrosion/schemas/backends.sql'), 'utf8'))
  const insert = db.prepare(
    `INSERT INTO backends (id, app, region, wg_ip, port, weight, hard_limit)
     VALUES (?, ?, 'eu', '127.0.0.1', ?, ?, ?)`,
  )
  for (const { id, port, app = 'web', weight = 1, hardLimit = 0 } of rows) {
    insert.run(id, app, port, weight, hardLimit)
  }
  return path
}

interface Proxy {
  port: number
  apiPort: number
  metricsPort: number
  child: ChildProcess
}

/** `node services/edge-proxy/src/main.ts`, as an operator starts it. */
async function startProxy(
  env: Record<string, string>,
  on: keyof typeof core = 'proxy',
): Promise<Proxy> {
  const [port, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const child = start(on, process.execPath, [join(root, 'services/edge-proxy/src/main.ts')], {
    METRICS_PORT: String(metricsPort),
    EDGEPROXY_LISTEN_ADDR: `127.0.0.1:${port}`,
    EDGEPROXY_API_LISTEN_ADDR: `127.0.0.1:${apiPort}`,
    EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/8',
    EDGEPROXY_WORKERS: '1',
    EDGEPROXY_BINDING_TTL_SECS: '0',
    EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '0',
    LOG_LEVEL: 'error',
    ...env,
  })
  child.stdout?.resume()
  stack.defer(() => end(child))
  await until(async () => {
    const ready = await fetch(`http://127.0.0.1:${metricsPort}/health/ready`).catch(() => undefined)
    return ready?.ok === true
  })
  return { port, apiPort, metricsPort, child }
}

async function startTcpHaproxy(
  name: string,
  to: number,
): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort()
  const child = await startHaproxy(
    name,
    `listen l
  mode tcp
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${to}
`,
    'proxy',
  )
  await listens(port)
  return { port, child }
}

async function metric(proxy: Proxy, name: string, label = ''): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)
  const lines = (await response.text()).split('\n')
  return lines
    .filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)))
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** New connections each second, one request each. */
async function peakOf(port: number): Promise<number> {
  const child = start('rest', 'wrk', [
    '-t1',
    '-c64',
    `-d${secondsOfPeak}`,
    '-H',
    'Connection: close',
    `http://127.0.0.1:${port}/`,
  ])
  const text = await output(child)
  const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]
  if (perSecond === undefined) throw new Error(`wrk said: ${text}`)
  const errors = /Socket errors: (.*)/.exec(text)?.[1]
  if (errors !== undefined && !/connect 0, read 0, write 0/.test(errors)) say(`  wrk: ${errors}`)
  return Number(perSecond)
}

const Steady = Type.Object({
  total: Type.Integer(),
  answered: Type.Integer(),
  failures: Type.Record(Type.String(), Type.Integer()),
})

function startLoad(kind: 'steady' | 'idle', port: number, ...args: number[]): ChildProcess {
  const script = join(root, 'bench/src/edge-load.ts')
  return start('rest', process.execPath, [script, kind, String(port), ...args.map(String)])
}

async function steady(port: number, perSecond: number, seconds: number) {
  const text = await output(startLoad('steady', port, Math.round(perSecond), seconds))
  return Value.Parse(Steady, JSON.parse(text))
}

/** New connections at a steady rate, one request each: milliseconds from the first step to the last byte. */
async function latencyOf(port: number, perSecond: number): Promise<Distribution> {
  const child = start('rest', 'hey', [
    '-disable-keepalive',
    '-z',
    `${secondsOfLatency}s`,
    '-c',
    String(paced),
    '-q',
    String(Math.round(perSecond / paced)),
    '-o',
    'csv',
    `http://127.0.0.1:${port}/`,
  ])
  const [, ...lines] = (await output(child)).trim().split('\n')
  return describe(lines.map((line) => Number(line.slice(0, line.indexOf(','))) * 1000))
}

/** Megabytes each second, received over several connections. */
async function throughputOf(port: number): Promise<number> {
  const child = start('rest', 'iperf3', [
    '-c',
    '127.0.0.1',
    '-p',
    String(port),
    '-P',
    String(longConnections),
    '-t',
    String(secondsOfPeak),
    '-O',
    '1',
    '-J',
  ])
  const Report = Type.Object({
    end: Type.Object({ sum_received: Type.Object({ bits_per_second: Type.Number() }) }),
  })
  const text = await output(child)
  return Value.Parse(Report, JSON.parse(text)).end.sum_received.bits_per_second / 8e6
}

function median(values: readonly number[]): number {
  return describe(values).p50
}

say('new connections, throughput, latency: beside HAProxy')
const http = await startHttp('back')
const table = writeTable('one', [{ id: 'b1', port: http.port }])
const iperf = start('rest', 'iperf3', ['-s', '-p', String(await freePort())])
stack.defer(() => end(iperf))
const iperfPort = Number(iperf.spawnargs.at(-1))
iperf.stdout?.resume()
await listens(iperfPort)

const peaks = { ours: [] as number[], haproxy: [] as number[] }
const streams = { ours: [] as number[], haproxy: [] as number[] }
{
  const ours = await startProxy({ EDGEPROXY_DB_PATH: table })
  const theirs = await startTcpHaproxy('front', http.port)
  await peakOf(ours.port) // compiled by then
  for (let round = 0; round < rounds; round += 1) {
    peaks.ours.push(await peakOf(ours.port))
    peaks.haproxy.push(await peakOf(theirs.port))
    say(
      `  ${Math.round(peaks.ours.at(-1) ?? 0)}/s, HAProxy ${Math.round(peaks.haproxy.at(-1) ?? 0)}/s`,
    )
  }
  await end(ours.child)
  await end(theirs.child)
}
{
  const streamTable = writeTable('stream', [{ id: 's1', port: iperfPort }])
  const ours = await startProxy({ EDGEPROXY_DB_PATH: streamTable })
  const theirs = await startTcpHaproxy('stream', iperfPort)
  for (let round = 0; round < rounds; round += 1) {
    streams.ours.push(await throughputOf(ours.port))
    streams.haproxy.push(await throughputOf(theirs.port))
    say(
      `  ${Math.round(streams.ours.at(-1) ?? 0)} MB/s, HAProxy ${Math.round(streams.haproxy.at(-1) ?? 0)} MB/s`,
    )
  }
  await end(ours.child)
  await end(theirs.child)
}

const half = median(peaks.ours) / 2
const through: Distribution[] = []
const throughHaproxy: Distribution[] = []
const direct: Distribution[] = []
{
  const ours = await startProxy({ EDGEPROXY_DB_PATH: table })
  const theirs = await startTcpHaproxy('paced', http.port)
  // Compiled by then, and at this pace.
  await peakOf(ours.port)
  await latencyOf(ours.port, half)
  for (let round = 0; round < roundsOfLatency; round += 1) {
    direct.push(await latencyOf(http.port, half))
    through.push(await latencyOf(ours.port, half))
    throughHaproxy.push(await latencyOf(theirs.port, half))
    say(
      `  p99 ${through.at(-1)?.p99} ms, HAProxy ${throughHaproxy.at(-1)?.p99} ms, direct ${direct.at(-1)?.p99} ms`,
    )
  }
  await end(ours.child)
  await end(theirs.child)
}
const p99 = (measured: readonly Distribution[]): number => median(measured.map((each) => each.p99))
const addedP99 = p99(through) - p99(direct)
const addedByHaproxy = p99(throughHaproxy) - p99(direct)

say('memory of idle connections')
const idle = await measureIdle()

async function measureIdle() {
  const port = await freePort()
  const keeper = start('rest', process.execPath, [
    join(root, 'bench/src/edge-backend.ts'),
    String(port),
  ])
  stack.defer(() => end(keeper))
  await output(keeper, 'line')
  const proxy = await startProxy({ EDGEPROXY_DB_PATH: writeTable('idle', [{ id: 'k1', port }]) })
  const before = residentMegabytes(proxy.child.pid ?? 0)
  const clients = startLoad('idle', proxy.port, idleConnections)
  stack.defer(() => end(clients))
  await output(clients, 'line')
  await wait(3000)
  const open = await metric(proxy, 'edgeproxy_connections_active')
  const during = residentMegabytes(proxy.child.pid ?? 0)
  await end(clients)
  await end(keeper)
  await end(proxy.child)
  return { before, during, open, of10000: ((during - before) / open) * 10_000 }
}

say('selection')
const selection = measureSelection()

say('weights and affinity')
const shares = await measureWeights()

async function measureWeights() {
  const [light, heavy] = [await startHttp('light'), await startHttp('heavy')]
  const rows = [
    { id: 'light', port: light.port, weight: 1 },
    { id: 'heavy', port: heavy.port, weight: 2 },
  ]
  const proxy = await startProxy({
    EDGEPROXY_DB_PATH: writeTable('weights', rows),
    EDGEPROXY_WORKERS: '2',
  })
  const of = (id: string) => metric(proxy, 'edgeproxy_backend_connections_total', `backend="${id}"`)
  while ((await of('light')) + (await of('heavy')) < weighted) await peakOf(proxy.port)
  const counts = { light: await of('light'), heavy: await of('heavy') }
  await end(proxy.child)

  const sticky = await startProxy({
    EDGEPROXY_DB_PATH: writeTable('sticky', rows),
    EDGEPROXY_BINDING_TTL_SECS: '600',
    EDGEPROXY_WORKERS: '2',
  })
  for (let sent = 0; sent < sequential; sent += 1) await one(sticky.port)
  const [a, b] = [
    await metric(sticky, 'edgeproxy_backend_connections_total', 'backend="light"'),
    await metric(sticky, 'edgeproxy_backend_connections_total', 'backend="heavy"'),
  ]
  await end(sticky.child)
  await end(light.child)
  await end(heavy.child)
  return { counts, ratio: counts.heavy / counts.light, sticky: [a, b] }
}

async function one(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.write('GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

say('a backend killed')
const killed = await measureKill()

async function measureKill() {
  const backends = await Promise.all(['k1', 'k2', 'k3'].map(startHttp))
  const rows = backends.map(({ port }, index) => ({ id: `k${index + 1}`, port }))
  const path = writeTable('kill', rows)
  const busy = await startProxy({ EDGEPROXY_DB_PATH: path })
  const quiet = await startProxy({ EDGEPROXY_DB_PATH: path })
  await peakOf(busy.port)
  const load = steady(busy.port, killedPerSecond, secondsOfKill)
  await wait(5000)
  await end(backends[0]?.child ?? busy.child)
  const killedAt = performance.now()
  const leftOutAfter = async ({ apiPort }: Proxy): Promise<number> => {
    await until(async () => {
      const response = await fetch(`http://127.0.0.1:${apiPort}/api/v1/backends/k1`)
      return (await response.text()).includes('"reachable":false')
    })
    return performance.now() - killedAt
  }
  const leftOutMs = await Promise.all([leftOutAfter(busy), leftOutAfter(quiet)])
  const answered = await load
  for (const { child } of [busy, quiet, ...backends]) await end(child)
  return { ...answered, leftOutMs }
}

say('three points of presence on real agents')
const pops = await measurePops()

async function measurePops() {
  const first = stack.use(await startCorrosionAgent())
  const bootstrap = [first.gossipAddr]
  const second = stack.use(await startCorrosionAgent({ bootstrap }))
  const third = stack.use(await startCorrosionAgent({ bootstrap }))
  const at = (nodeId: string, url: string) =>
    startProxy({ NODE_ID: nodeId, AGENT_URL: url, EDGEPROXY_WORKERS: '1' }, 'rest')
  const [one1, two, three] = [
    await at('pop1', first.url),
    await at('pop2', second.url),
    await at('pop3', third.url),
  ]
  const latenciesMs: number[] = []
  for (let round = 0; round < registrations + 5; round += 1) {
    const id = `r${round}`
    const startedAt = performance.now()
    const registered = call(one1, 'POST', '/api/v1/register', {
      id,
      app: 'web',
      region: 'eu',
      ip: '127.0.0.1',
      port: http.port,
    })
    while ((await one(three.port).catch(() => '')) === '') await wait(1)
    latenciesMs.push(performance.now() - startedAt)
    await registered
    await call(one1, 'DELETE', `/api/v1/backends/${id}`)
    await until(async () => (await one(three.port).catch(() => '')) === '')
  }

  const static1 = { id: 'stays', app: 'web', region: 'eu', ip: '127.0.0.1', port: http.port }
  await call(one1, 'POST', '/api/v1/register', static1)
  await until(async () => (await one(two.port).catch(() => '')) !== '')
  const load = steady(two.port, 50, secondsAway + 15)
  await wait(2000)
  await second.kill('SIGTERM')
  // What it misses.
  for (let number = 0; number < missed; number += 1) {
    await call(one1, 'POST', '/api/v1/register', { ...static1, id: `missed${number}` })
    if (number % 4 === 0) await call(one1, 'DELETE', `/api/v1/backends/missed${number}`)
  }
  await wait(secondsAway * 1000)
  const ageSeconds = await metric(two, 'edgeproxy_table_age_seconds')
  await second.start()
  await until(async () => (await metric(two, 'edgeproxy_table_live')) === 1)
  const answered = await load
  await using client = createCorrosionClient({ url: second.url })
  const Listed = Type.Object({ backends: Type.Array(Type.Object({ id: Type.String() })) })
  const differing = async (): Promise<string[]> => {
    const { rows } = await client.query('SELECT id FROM backends ORDER BY id')
    const { backends } = Value.Parse(Listed, await call(two, 'GET', '/api/v1/backends'))
    const inTable = new Set(rows.map(([id]) => String(id)))
    return [...inTable.symmetricDifference(new Set(backends.map(({ id }) => id)))]
  }
  await until(async () => {
    const { rows } = await client.query('SELECT count(*) FROM backends')
    return Number(rows[0]?.[0]) === 1 + missed - Math.ceil(missed / 4)
  })
  await until(async () => (await differing()).length === 0)
  const different = (await differing()).length
  for (const { child } of [one1, two, three]) await end(child)
  return {
    registration: describe(latenciesMs.slice(5)),
    away: { ...answered, ageSeconds, differing: different },
  }
}

async function call(proxy: Proxy, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${proxy.apiPort}${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })
  const answer: unknown = await response.json()
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
  return answer
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const ms = (value: number): string => `${value.toFixed(2)} ms`
const lost = killed.total - killed.answered
const connectionShare = median(peaks.ours) / median(peaks.haproxy)
const streamShare = median(streams.ours) / median(streams.haproxy)
const probeMs = 5000

writeResult('edge', {
  figures: [
    {
      name: 'new connections, one short request each, one core',
      measured: `${Math.round(median(peaks.ours))}/s, ${percent(connectionShare)}`,
      baseline: `HAProxy ${Math.round(median(peaks.haproxy))}/s`,
      bar: '≥ 50 % of HAProxy',
      isMet: connectionShare >= 0.5,
    },
    {
      name: `throughput, ${longConnections} long connections, one core`,
      measured: `${Math.round(median(streams.ours))} MB/s, ${percent(streamShare)}`,
      baseline: `HAProxy ${Math.round(median(streams.haproxy))} MB/s`,
      bar: '≥ 60 % of HAProxy',
      isMet: streamShare >= 0.6,
    },
    {
      name: `latency at half of its own peak, ${Math.round(half)} new connections/s`,
      measured: `p99 ${ms(p99(through))}, ${ms(addedP99)} added`,
      baseline: `direct p99 ${ms(p99(direct))}; HAProxy ${ms(addedByHaproxy)} added`,
      bar: '≤ 1 ms added',
      isMet: addedP99 <= 1,
    },
    {
      name: 'memory of idle connections',
      measured: `${idle.open} open: ${idle.during} MB; ${idle.of10000.toFixed(1)} MB above idle for 10,000`,
      baseline: `idle ${idle.before} MB`,
      bar: '≤ 100 MB above idle for 10,000',
      isMet: idle.of10000 <= 100,
    },
    {
      name: 'registration at one point of presence → first connection at the third, real agents',
      measured: `p50 ${ms(pops.registration.p50)}, p95 ${ms(pops.registration.p95)} (n ${pops.registration.n})`,
      baseline: 'edgeProxy polls every 5 s',
      bar: 'p50 ≤ 50 ms',
      isMet: pops.registration.p50 <= 50,
    },
    {
      name: `one of three backends killed under ${killedPerSecond} new connections/s`,
      measured: `${lost} of ${killed.total} failed; left out after ${killed.leftOutMs.map((each) => `${Math.round(each)} ms`).join(', and where nobody connects ')}`,
      baseline: '–',
      bar: `≤ 0.1 % failed, left out everywhere within ${probeMs / 1000} s`,
      isMet: lost <= killed.total / 1000 && killed.leftOutMs.every((each) => each <= probeMs),
    },
    {
      name: 'selection among 10,000 backends',
      measured: `p50 ${selection.p50} µs, p99 ${selection.p99} µs`,
      baseline: '–',
      bar: '≤ 20 µs',
      isMet: selection.p99 <= 20,
    },
    {
      name: `agent of a point of presence stopped for ${secondsAway} s under 50 new connections/s`,
      measured: `${pops.away.total - pops.away.answered} of ${pops.away.total} failed; age ${pops.away.ageSeconds.toFixed(0)} s shown; back, ${pops.away.differing} rows differ from the query`,
      baseline: '–',
      bar: 'none failed, the age is shown, then the table equals the query',
      isMet:
        pops.away.answered === pops.away.total &&
        pops.away.ageSeconds >= secondsAway - 2 &&
        pops.away.differing === 0,
    },
    {
      name: `weights 2:1, ${shares.counts.heavy + shares.counts.light} short connections`,
      measured: `${shares.counts.heavy} : ${shares.counts.light} = ${shares.ratio.toFixed(3)}`,
      baseline: 'edgeProxy 100 : 0',
      bar: '2 ± 3 %',
      isMet: Math.abs(shares.ratio / 2 - 1) <= 0.03,
    },
    {
      name: `${sequential} clients at one address, one after the other`,
      measured: shares.sticky.join(' : '),
      baseline: '–',
      bar: 'one backend',
      isMet: shares.sticky.includes(0) && shares.sticky.includes(sequential),
    },
  ],
  raw: { peaks, streams, through, throughHaproxy, direct, idle, pops, killed, selection, shares },
})
