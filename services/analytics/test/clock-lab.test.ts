import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { openDirectory, openViews } from '@corroport/identity'
import { openLab, startCluster } from '@corroport/local'
import { createMetrics } from '@corroport/service'
import { createTemporaryFolder, sendSteadily, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { createClockSegments, segmentSeconds, wanderPpm } from '../src/clocks/clock-segments.ts'
import { startClocks } from '../src/clocks/start-clocks.ts'
import { startIngest } from '../src/ingest/start-ingest.ts'
import { createRoster } from '../src/roster.ts'
import type { Db } from '../src/store/database.ts'
import { quiet as log, startDatabase } from './harness.ts'

const clockOffsetsMs = { node1: 0, node2: 5000, node3: -5000 }
const oneWayDelayMs = 20
const intervalMs = 2000
const messages = 500
// Of both clocks, each way, half the time between two knots.
const wanderUs = 4 * wanderPpm * segmentSeconds

test('the stated interval holds the true one-way time, with clocks ten seconds apart', async () => {
  using folder = createTemporaryFolder()
  await using database = await startDatabase()
  const { db } = database
  await using cluster = await startCluster({
    home: join(folder.path, 'cluster'),
    portOffset: 'free',
    agents: 'development',
    clockOffsetsMs,
    environment: process.env,
  })
  await cluster.ready()
  await using stack = new AsyncDisposableStack()
  const bus = stack.use(connectBus({ url: cluster.shape.natsUrl, name: 'analytics', log }))
  const directory = stack.use(openDirectory({ bus, log, path: join(folder.path, 'nodes.json') }))
  const views = stack.use(openViews({ bus }))
  const roster = stack.use(createRoster({ bus, directory, views }))
  const state = stack.use(
    openStateFile({ path: join(folder.path, 'state.sqlite'), migrations: [], bus, log }),
  )
  const metrics = createMetrics()
  const shared = { db, bus, state, roster, log, metrics }
  stack.use(startIngest(shared))
  stack.use(startClocks({ ...shared, intervalMs }))
  const lab = openLab(cluster.layout.home)
  await lab.bend(
    lab.nodes.flatMap((from) =>
      lab.nodes.filter((to) => to !== from).map((to) => [from, to] as const),
    ),
    { delayMs: oneWayDelayMs },
  )
  const countReceipts = () =>
    db
      .selectFrom('receipt')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow()
      .then((row) => Number(row.count))
  /** Every clock was compared since that time, in µs by the clock of this process. */
  const wereCompared = async (since: number): Promise<boolean> => {
    const { rows } = await sql<{ node_id: string }>`
      SELECT DISTINCT node_id FROM clock_sample WHERE at >= ${toTimestamp(since)}::timestamptz
    `.execute(db)
    return rows.length === cluster.nodes.length
  }
  await until(() => wereCompared(0))
  // In the segments of the first and of the last sample less is known than between samples.
  const segment = segmentSeconds * 1e6
  const first = nowMicroseconds()
  await until(() => wereCompared(first + segment))

  const load = await sendSteadily({
    urls: cluster.nodes.map(({ apiUrl }) => apiUrl),
    ratePerSecond: 25,
    durationMs: (messages / 25) * 1000,
  })
  expect(load.answered).toBe(messages)
  await until(async () => (await countReceipts()) >= messages * 2)
  const last = nowMicroseconds()
  await until(() => wereCompared(last + segment))

  const figures = await measure(db)
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  expect(figures.receipts).toBe(messages * 2)
  expect(figures.unknown).toBe(0)
  expect(figures.held / figures.receipts).toBeGreaterThanOrEqual(0.99)
  expect(figures.too_wide).toBe(0)
}, 120_000)

interface Figures {
  receipts: number
  unknown: number
  held: number
  negatives: number
  uncorrected_negatives: number
  /** Than the longest round trips of both nodes' samples around it, and what a clock may wander. */
  too_wide: number
  true_ms_p50: number
  stated_ms_p50: number
  width_ms_p50: number
  width_ms_p99: number
  width_ms_max: number
  round_trips_ms_p50: number
}

/** All processes of the laboratory have one clock, from which theirs differ by what was injected. */
async function measure(db: Db): Promise<Figures> {
  return await db.transaction().execute(async (transaction) => {
    const { rows: ranges } = await sql<{ from: string; to: string }>`
      SELECT min(at)::text AS from, max(at)::text AS to FROM clock_sample
    `.execute(transaction)
    if (!ranges[0]) throw new Error('unreachable: an aggregate has a row')
    await createClockSegments(transaction, ranges[0])
    const { rows } = await sql<Figures>`
      WITH injected AS (
        SELECT key AS node_id, value::float8 * 1000 AS us
        FROM jsonb_each_text(${JSON.stringify(clockOffsetsMs)}::jsonb)
      ), stamp AS (
        SELECT receipt.message_id, sent.origin, receipt.node_id,
          extract(epoch FROM sent.sent_at)::float8 AS sent_at,
          extract(epoch FROM receipt.received_at)::float8 AS received_at
        FROM receipt JOIN sent USING (message_id)
      ), stated AS (
        SELECT
          (received_at - sent_at) * 1e6 - (r.us - o.us) AS true_us,
          (received_at - sent_at) * 1e6
            - (rs.offset_us + rs.slope * (received_at - rs.bucket * ${segmentSeconds}::float8))
            + (os.offset_us + os.slope * (sent_at - os.bucket * ${segmentSeconds}::float8)) AS us,
          rs.bound_us + os.bound_us AS bound_us,
          (received_at - sent_at) * 1e6 AS uncorrected_us,
          (
            SELECT sum(longest) FROM (
              SELECT max(round_trip_us) AS longest FROM clock_sample
              WHERE (node_id = stamp.node_id OR node_id = origin)
                AND extract(epoch FROM at)::float8
                  BETWEEN sent_at - o.us / 1e6 - ${2 * segmentSeconds}::float8
                      AND sent_at - o.us / 1e6 + ${2 * segmentSeconds}::float8
              GROUP BY node_id
            ) AS both_nodes
          ) AS round_trips_us
        FROM stamp
          JOIN injected AS r ON r.node_id = stamp.node_id
          JOIN injected AS o ON o.node_id = origin
          LEFT JOIN clock_segment AS rs ON rs.node_id = stamp.node_id
            AND rs.bucket = floor(received_at / ${segmentSeconds}::float8)
          LEFT JOIN clock_segment AS os ON os.node_id = origin
            AND os.bucket = floor(sent_at / ${segmentSeconds}::float8)
      )
      SELECT count(*)::float8 AS receipts,
        (count(*) FILTER (WHERE us IS NULL))::float8 AS unknown,
        (count(*) FILTER (WHERE abs(us - true_us) <= bound_us))::float8 AS held,
        (count(*) FILTER (WHERE us < 0))::float8 AS negatives,
        (count(*) FILTER (WHERE uncorrected_us < 0))::float8 AS uncorrected_negatives,
        (count(*) FILTER (WHERE 2 * bound_us > round_trips_us + ${wanderUs}::float8))::float8
          AS too_wide,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY true_us) / 1000 AS true_ms_p50,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY us) / 1000 AS stated_ms_p50,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY 2 * bound_us) / 1000 AS width_ms_p50,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY 2 * bound_us) / 1000 AS width_ms_p99,
        max(2 * bound_us) / 1000 AS width_ms_max,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY round_trips_us) / 1000 AS round_trips_ms_p50
      FROM stated
    `.execute(transaction)
    if (!rows[0]) throw new Error('unreachable: an aggregate has a row')
    return rows[0]
  })
}
