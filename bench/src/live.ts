// What it costs a gateway to show everything to many pages, beside a bare server with the same pages.
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { onceConnected } from '@corroport/bus'
import { changeObserved, createParser, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { nextMessage, startProcess } from './child-process.ts'
import { LiveFindings } from './live-findings.ts'
import { startOneGateway } from './one-gateway.ts'
import { residentMegabytes } from './process-memory.ts'
import { type Distribution, describe } from './quantiles.ts'
import { writeResult } from './result.ts'

const pageCount = 200
const slowCount = 5
const eventsPerSecond = 100
const asksPerSecond = 20
const seconds = Number(process.argv[2] ?? 60)

const parseFindings = createParser('findings', LiveFindings)
const say = (line: string): void => console.error(line)
const root = join(import.meta.dirname, '../..')
const template = changeObserved.parse(
  JSON.parse(readFileSync(join(root, 'packages/contracts/fixtures/change-observed.json'), 'utf8')),
)
// So much that what the system buffers for a page that does not read is used up within the run.
const message = 'x'.repeat(1500)

await using gateway = await startOneGateway()
const { api, bus } = gateway

say(`${pageCount} pages at the gateway, ${eventsPerSecond} events/s for ${seconds} s`)
const tookMs: number[] = []
const whole = await measure({
  url: `${api}/api/events?topics=changes&status=true`,
  slow: slowCount,
  server: gateway.process,
  meanwhile: ask,
})
const asked = describe(tookMs)

using bare = startProcess('bench/src/live-bare.ts', [gateway.natsUrl])
const port = await nextMessage(bare)
say('the same at a bare server')
const baseline = await measure({ url: `http://127.0.0.1:${String(port)}/`, slow: 0, server: bare })

const { complete, pages, latencyMs, toldSlowPages, slowPages } = whole.findings
writeResult('live', {
  figures: [
    {
      name: `${pageCount} pages, ${eventsPerSecond} events/s, ${seconds} s: every event on every page, once, in order`,
      measured: `${complete} of ${pages} pages`,
      baseline: `bare server: ${baseline.findings.complete} of ${baseline.findings.pages}`,
      bar: 'all pages',
      isMet: complete === pages,
    },
    {
      name: 'event published → arrived at a page',
      measured: ms(latencyMs),
      baseline: `bare server: ${ms(baseline.findings.latencyMs)}`,
      bar: 'p95 ≤ 100 ms, which leaves 50 ms to paint',
      isMet: latencyMs.p95 <= 100,
    },
    {
      name: 'memory of the gateway, the most of the run',
      measured: `${whole.megabytes} MB`,
      baseline: `bare server: ${baseline.megabytes} MB`,
      bar: '≤ 300 MB',
      isMet: whole.megabytes <= 300,
    },
    {
      name: 'processor time of the gateway, of one core',
      measured: `${whole.cpuPercent} %`,
      baseline: `bare server: ${baseline.cpuPercent} %`,
      bar: '–',
      isMet: true,
    },
    {
      name: 'pages that do not read: cut off, with a notice',
      measured: `${toldSlowPages} of ${slowPages}`,
      baseline: '–',
      bar: 'all of them',
      isMet: toldSlowPages === slowPages,
    },
    {
      name: `\`GET /api/node\` and \`/api/cluster/members\` meanwhile, ${asksPerSecond} times a second each`,
      measured: ms(asked),
      baseline: '–',
      bar: 'p99 ≤ 50 ms',
      isMet: asked.p99 <= 50,
    },
  ],
  raw: { whole, asked, baseline },
})

interface Measurement {
  /** Of a stream of events. */
  url: string
  /** How many pages do not read it. */
  slow: number
  server: ChildProcess
  meanwhile?: (signal: AbortSignal) => Promise<void>
}

async function measure({ url, slow, server, meanwhile }: Measurement) {
  const args = [url, String(pageCount), String(slow)]
  using visitors = startProcess('bench/src/live-clients.ts', args)
  await nextMessage(visitors)
  const running = new AbortController()
  const { signal } = running
  const memory = watchMemory(server.pid ?? 0, signal)
  const beside = meanwhile?.(signal)
  const before = cpuSeconds(server.pid ?? 0)
  const published = await publish()
  const cpuPercent = Math.round(((cpuSeconds(server.pid ?? 0) - before) / seconds) * 100)
  // What is under way arrives.
  await wait(1000)
  running.abort()
  await beside
  visitors.send(published)
  const findings = parseFindings(await nextMessage(visitors))
  return { published, findings, megabytes: await memory, cpuPercent }
}

/** In open loop: each event at its time, whatever became of those before it. */
async function publish(): Promise<number> {
  const count = eventsPerSecond * seconds
  const subject = changeObserved.subject(template)
  await onceConnected(bus, async ({ nats: connection }) => {
    const startedAt = performance.now()
    for (let index = 0; index < count; index += 1) {
      const row = { ...template.row, message, index }
      const observedAt = toTimestamp(nowMicroseconds())
      connection.publish(subject, JSON.stringify({ ...template, row, observedAt }))
      const dueAt = startedAt + ((index + 1) * 1000) / eventsPerSecond
      await wait(Math.max(0, dueAt - performance.now()))
    }
    await connection.flush()
  })
  return count
}

/** Notes in `tookMs` how long each answer took. */
async function ask(signal: AbortSignal): Promise<void> {
  const answers: Promise<void>[] = []
  while (!signal.aborted) {
    for (const path of ['/api/node', '/api/cluster/members']) {
      const startedAt = performance.now()
      const answer = fetch(api + path).then(async (response) => {
        await response.arrayBuffer()
        if (!response.ok) throw new Error(`${path} was answered with ${response.status}`)
        tookMs.push(performance.now() - startedAt)
      })
      answer.catch(() => undefined) // thrown below, when all have come
      answers.push(answer)
    }
    await wait(1000 / asksPerSecond)
  }
  await Promise.all(answers)
}

async function watchMemory(pid: number, signal: AbortSignal): Promise<number> {
  let most = 0
  while (!signal.aborted) {
    most = Math.max(most, residentMegabytes(pid))
    await wait(500)
  }
  return most
}

/** User and system time of a process. Linux only. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function ms({ p50, p95, p99, n }: Distribution): string {
  return `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} (n ${n})`
}
