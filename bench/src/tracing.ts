// What it costs to record a tenth of all traces: a cluster without and one with it, in turns, under the
// same load, beside a collector that takes everything.
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { connectBus, onceConnected } from '@corroport/bus'
import { ackSenderStatusQueried, ledgerQueried } from '@corroport/contracts'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, freePort, sendSteadily } from '@corroport/testing'
import pino from 'pino'
import { type Result, writeResult } from './result.ts'

const log = pino({ level: 'warn' })
const say = (line: string): void => console.error(line)

const [secondsGiven = '30', roundsGiven = '4'] = process.argv.slice(2)
const seconds = Number(secondsGiven)
const rounds = Number(roundsGiven)
const perSecond = 300
const share = 0.1
const atMostRatio = 1.1
// Everything costs twice as much until V8 has compiled it. At the full rate from the beginning, two cores
// would not keep up meanwhile.
const warmUp = [
  { perSecond: 100, seconds: 15 },
  { perSecond, seconds: 30 },
]
// The longest that a span waits.
const exportMs = 5500
// Those that the machine did not keep up with cost less than the others.
const mostUnanswered = 0.01
// Of /proc: a hundredth of a second on every Linux that Node runs on.
const tickMs = 10

interface Turn {
  messages: number
  unanswered: number
  /** Of each process. */
  cpuMs: Record<string, number>
}

let collectedBytes = 0
let bytesOfSpans = 0
const collector = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => {
    collectedBytes += chunk.length
  })
  request.on('end', () => response.end())
})
const port = await freePort()
collector.listen(port, '127.0.0.1')

const settings = {
  off: {},
  on: {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: String(share),
  },
}
type Tracing = keyof typeof settings
const taken: Record<Tracing, Turn[]> = { off: [], on: [] }

for (let round = 0; round < rounds; round += 1) {
  const order = ['off', 'on'] as const
  for (const tracing of round % 2 === 0 ? order : order.toReversed()) {
    const turn = await measureTurn(tracing)
    taken[tracing].push(turn)
    const cost = cpuMsPerMessage([turn]).toFixed(2)
    say(`round ${round + 1} of ${rounds}, tracing ${tracing}: ${cost} ms`)
  }
}
collector.close()
collector.closeAllConnections()
writeResult('tracing', resultOf())

/** Nothing else runs meanwhile: a second cluster takes its share of two cores even when nobody asks it. */
async function measureTurn(tracing: Tracing): Promise<Turn> {
  using home = createTemporaryFolder()
  const cluster = await startCluster({
    home: home.path,
    nodes: 2,
    portOffset: 'free',
    analytics: true,
    environment: { ...process.env, DATABASE_URL: undefined, ...settings[tracing] },
  })
  try {
    await cluster.ready(120_000)
    for (const load of warmUp) await sendAll(cluster, load)
    const before = cpuMsOf(cluster)
    const bytesBefore = collectedBytes
    const { answered, attempted } = await sendAll(cluster, { perSecond, seconds })
    const after = cpuMsOf(cluster)
    bytesOfSpans += collectedBytes - bytesBefore
    const cpuMs = Object.entries(after).map(([part, ms]): [string, number] => [
      part,
      ms - (before[part] ?? 0),
    ])
    return {
      messages: answered,
      unanswered: attempted - answered,
      cpuMs: Object.fromEntries(cpuMs),
    }
  } finally {
    await cluster.kill()
    rmSync(cluster.layout.postgresFolder, { recursive: true, force: true })
  }
}

/** The load, all that follows from it, and the export of what was recorded. */
async function sendAll(cluster: Cluster, load: { perSecond: number; seconds: number }) {
  const sent = await sendSteadily({
    urls: cluster.nodes.map(({ apiUrl }) => apiUrl),
    ratePerSecond: load.perSecond,
    durationMs: load.seconds * 1000,
    content: 'measured',
  })
  for (const [reason, count] of Object.entries(sent.failures)) say(`${count} × ${reason}`)
  await untilDone(cluster)
  await wait(exportMs)
  return sent
}

/** All that was sent has been acknowledged and stored. */
async function untilDone({ shape, nodes }: Cluster): Promise<void> {
  await using bus = connectBus({ url: shape.natsUrl, name: 'bench', log })
  await onceConnected(bus, async () => undefined)
  const isDone = async (): Promise<boolean> => {
    const ackSenders = await Promise.all(
      nodes.map(({ nodeId }) => bus.request(ackSenderStatusQueried, { nodeId }, {})),
    )
    const { streams } = await bus.request(ledgerQueried, {}, {})
    return (
      ackSenders.every(({ unheard, owed, unpublished }) => unheard + owed + unpublished === 0) &&
      streams.every(({ waiting }) => waiting === 0)
    )
  }
  const deadline = performance.now() + 120_000
  for (let seen = 0; seen < 2; seen = (await isDone()) ? seen + 1 : 0) {
    if (performance.now() > deadline) throw new Error('not all was acknowledged in two minutes')
    await wait(500)
  }
}

/** Of each process of ours, in user and system mode. Linux only. */
function cpuMsOf(cluster: Cluster): Record<string, number> {
  return Object.fromEntries(
    cluster.parts
      .filter(({ name }) => name === 'analytics' || /^node\d+$/.test(name))
      .map(({ name, pid }) => {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [userTicks, systemTicks] = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .slice(11, 13)
        return [name, (Number(userTicks) + Number(systemTicks)) * tickMs]
      }),
  )
}

function resultOf(): Result {
  for (const [tracing, turns] of Object.entries(taken)) {
    const unanswered = sumOf(turns, (turn) => turn.unanswered)
    if (unanswered > messagesOf(turns) * mostUnanswered) {
      throw new Error(
        `tracing ${tracing}: this machine does not keep up, ${unanswered} were not answered`,
      )
    }
  }
  const [costOff, costOn] = [cpuMsPerMessage(taken.off), cpuMsPerMessage(taken.on)]
  const ratio = costOn / costOff
  const bytes = bytesOfSpans / messagesOf(taken.on)
  const change = ((ratio - 1) * 100).toLocaleString('en', {
    maximumFractionDigits: 1,
    signDisplay: 'always',
  })
  return {
    figures: [
      {
        name: `tracing on with ${share * 100} % sampling, ${perSecond} messages/s over 2 nodes, ${rounds} × ${seconds} s in turns with clusters without it, CPU of all services per message`,
        measured: `${costOn.toFixed(2)} ms, ${change} % (${Math.round(bytes)} bytes of spans per message)`,
        baseline: `tracing off: ${costOff.toFixed(2)} ms`,
        bar: '≤ 10 % more',
        isMet: ratio <= atMostRatio && bytes > 0,
      },
    ],
    raw: { ...taken, ratio },
  }
}

function sumOf(turns: readonly Turn[], of: (turn: Turn) => number): number {
  return turns.reduce((sum, turn) => sum + of(turn), 0)
}

function messagesOf(turns: readonly Turn[]): number {
  return sumOf(turns, ({ messages }) => messages)
}

function cpuMsPerMessage(turns: readonly Turn[]): number {
  const cpuMs = sumOf(turns, (turn) => Object.values(turn.cpuMs).reduce((sum, ms) => sum + ms, 0))
  return cpuMs / messagesOf(turns)
}
