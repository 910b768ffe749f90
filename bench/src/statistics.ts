// What it costs to finish an experiment with a million acknowledgements, to read its figures then, and
// to compare it with another one.
import { answerComparisons } from '@corroport/analytics/comparison/answer-comparisons.ts'
import { answerFigures } from '@corroport/analytics/statistics/answer-figures.ts'
import { storeFigures } from '@corroport/analytics/statistics/compute-figures.ts'
import { type Db, openDatabase } from '@corroport/analytics/store/database.ts'
import { migrate } from '@corroport/analytics/store/migrate.ts'
import { connectBus } from '@corroport/bus'
import {
  clockProbed,
  experimentsCompared,
  figuresQueried,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { startNatsServer, startPostgres, until } from '@corroport/testing'
import { sql } from 'kysely'
import pino from 'pino'
import { describe } from './quantiles.ts'
import { writeResult } from './result.ts'

const log = pino({ level: 'warn' })
const messages = 10_000
const receivers = 100
const intervalMs = 10
const finalisations = 3
const reads = 200

const [id, otherId] = ['a-million', 'another-million'] as const
const say = (line: string): void => console.error(line)

// Memory as Postgres comes.
await using postgres = await startPostgres({ shared_buffers: '128MB' })
await using nats = await startNatsServer()
await using database = openDatabase({ url: postgres.url, log, name: 'bench' })
const { db } = database
await migrate(db)
say(`storing ${messages} messages to ${receivers} receivers each`)
await fill(db, id)
const onePass = await secondsOf(() =>
  sql`
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY round_trip_us)
    FROM ack JOIN sent USING (message_id) WHERE experiment_id = ${id}`.execute(db),
)
const finalised: number[] = []
for (let run = 0; run < finalisations; run += 1) {
  finalised.push(await secondsOf(() => storeFigures(db, id)))
  say(`finalised in ${finalised.at(-1)} s`)
}

await using bus = connectBus({ url: nats.url, name: 'bench', log })
await using stack = new AsyncDisposableStack()
stack.use(answerFigures({ db, bus }))
const now = (): string => toTimestamp(nowMicroseconds())
stack.use(
  bus.respond(clockProbed, { nodeId: 'bench' }, () => ({ heardAt: now(), answeredAt: now() })),
)
const read = () => bus.request(figuresQueried, {}, { id })
await until(() => read().catch(() => undefined))
const { figures } = await read()
const summary = await timesOf(read)
const bare = await timesOf(() => bus.request(clockProbed, { nodeId: 'bench' }, {}))
say('storing another experiment')
await fill(db, otherId)
await storeFigures(db, otherId)
stack.use(answerComparisons({ db, bus }))
const sides = { a: [id], b: [otherId] }
await until(() => bus.request(experimentsCompared, {}, sides).catch(() => undefined))
const cpuBefore = process.cpuUsage()
const compared = await secondsOf(() => bus.request(experimentsCompared, {}, sides))
const cpu = process.cpuUsage(cpuBefore)
const cpuSeconds = Math.round((cpu.user + cpu.system) / 1000) / 1000
const bytes = Buffer.byteLength(JSON.stringify(figures))
const acks = figures.transports[0]?.counts.acks ?? 0
const slowest = Math.max(...finalised)

writeResult('statistics', {
  figures: [
    {
      name: `figures of ${acks} acknowledgements computed and stored, the slowest of ${finalisations}`,
      measured: `${slowest} s`,
      baseline: `${onePass} s for one join and one percentile of the same rows`,
      bar: '≤ 5 s',
      isMet: acks === messages * receivers && slowest <= 5,
    },
    {
      name: `they are read over NATS: ${Math.round(bytes / 1000)} kB, p95 of ${reads}`,
      measured: `${summary.p95} ms`,
      baseline: `${bare.p95} ms for a command that reads nothing`,
      bar: '≤ 50 ms',
      isMet: summary.p95 <= 50,
    },
    {
      name: 'two such experiments are compared, over NATS',
      measured: `${compared} s, ${cpuSeconds} s of processor time`,
      baseline: `${bare.p50 / 1000} s for a command that reads nothing`,
      bar: '≤ 2 s of processor time',
      isMet: cpuSeconds <= 2,
    },
  ],
  raw: {
    compared,
    cpuSeconds,
    finalised,
    onePass,
    summary,
    bare,
    counts: figures.transports[0]?.counts,
  },
})

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return Math.round(performance.now() - from) / 1000
}

async function timesOf(ask: () => Promise<unknown>): Promise<ReturnType<typeof describe>> {
  const times: number[] = []
  for (let run = 0; run < reads; run += 1) {
    const from = performance.now()
    await ask()
    times.push(performance.now() - from)
  }
  return describe(times)
}

/** 10,000 messages of one node to 100 others, each acknowledged, a clock sample every 10 s. */
async function fill(to: Db, experimentId: string): Promise<void> {
  const plan = {
    name: experimentId,
    note: '',
    transports: ['gossip'],
    origins: ['node0'],
    count: messages,
    interval_ms: intervalMs,
    payload_bytes: 100,
    warmup: 0,
    seed: 1,
    repeat_of: null,
  }
  const began = "timestamptz '2026-01-15T10:00:00Z'"
  const sentAt = `${began} + m * interval '${intervalMs} ms'`
  const statements = [
    'SELECT setseed(0.1)',
    `INSERT INTO experiment
      (id, plan, status, expected, shares, by, created_at, started_at, deadline_at, finished_at)
    VALUES ('${experimentId}', '${JSON.stringify(plan)}', 'finished', '[]', '[]', 'bench', ${began}, ${began},
      ${began} + interval '130 s', ${began} + interval '131 s')`,
    `INSERT INTO clock_sample
    SELECT 'node' || n, 1000 * n, 150, 300, 8, 0, ${began} + (s * 10 + 3) * interval '1 s'
    FROM generate_series(0, ${receivers}) n, generate_series(-2, 14) s
    ON CONFLICT DO NOTHING`,
    `INSERT INTO sent
    SELECT '${experimentId}_' || m, 'gossip', 'node0', 'iad', 100, expected, ${receivers}, '${experimentId}', m, false,
      ${sentAt}, 50, ${sentAt}
    FROM generate_series(0, ${messages - 1}) m, (
      SELECT jsonb_agg(jsonb_build_object('nodeId', 'node' || n, 'wasPresent', true)) AS expected
      FROM generate_series(1, ${receivers}) n
    ) e`,
    `INSERT INTO outcome
    SELECT message_id, transport, origin, 'accepted', 900 + random() * 200, NULL, NULL, false, NULL, sent_at
    FROM sent WHERE experiment_id = '${experimentId}'`,
    `INSERT INTO ack
    SELECT message_id, 'gossip', 'node' || n, 'node0', 'updates', 1,
      sent_at + one_way * interval '1 us' + n * interval '1 ms',
      sent_at + one_way * interval '1 us' + n * interval '1 ms',
      sent_at + 2 * one_way * interval '1 us', 2 * one_way, 'monotonic'
    FROM sent, generate_series(1, ${receivers}) n,
      -- Without n it would be one time for all receivers.
      LATERAL (SELECT (2000 * exp(random() * 3 + 0 * n))::bigint AS one_way) t
    WHERE experiment_id = '${experimentId}'`,
    'ANALYZE',
  ]
  for (const statement of statements) await sql.raw(statement).execute(to)
}
