import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Bus, RefusalError } from '@corroport/bus'
import {
  Comparison,
  createParser,
  Experiment,
  experimentsCompared,
  Transport,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { storeFigures } from '../statistics/compute-figures.ts'
import type { Db } from '../store/database.ts'
import { type ComparisonInput, type Run, sameIds } from './compare.ts'
import { describeDifferingPlans } from './differing-plans.ts'

/** Says whether two experiments, or two series of them, differ. */
export function answerComparisons({ db, bus }: { db: Db; bus: Bus }): AsyncDisposable {
  return bus.respond(experimentsCompared, {}, async ({ a, b, seed = 1 }) => {
    const ids = { a: [...new Set(a)], b: [...new Set(b)] }
    const experiments = await readEnded(db, [...new Set([...ids.a, ...ids.b])])
    const runs = await readRuns(db, [...experiments.keys()])
    const sideOf = (side: string[]): Run[] =>
      side.map((id) => ({ id, transports: runs.get(id) ?? [] }))
    const input = { a: sideOf(ids.a), b: sideOf(ids.b), seed }
    const both = ids.a.filter((id) => ids.b.includes(id))
    if (both.length > 0 && !sameIds(input.a, input.b)) {
      throw new RefusalError('invalid', `${both.join(', ')}: on both sides`)
    }
    const comparison = await compareAside(input)
    const warnings = [...describeDifferingPlans([...experiments.values()]), ...comparison.warnings]
    return { comparison: { ...comparison, warnings } }
  })
}

const parseStored = createParser(
  'a stored experiment',
  Type.Object({
    plan: Experiment.properties.plan,
    expected: Experiment.properties.expected,
    environment: Experiment.properties.environment,
  }),
)
type Stored = ReturnType<typeof parseStored>

async function readEnded(db: Db, ids: string[]): Promise<Map<string, Stored>> {
  const rows = await db
    .selectFrom('experiment')
    .select(['id', 'status', 'plan', 'expected', 'environment', 'is_stale', 'figures'])
    .where('id', 'in', ids)
    .execute()
  const unknown = ids.filter((id) => !rows.some((row) => row.id === id))
  if (unknown.length > 0) {
    throw new RefusalError('not-found', `no such experiment: ${unknown.join(', ')}`)
  }
  const open = rows.filter(({ status }) => ['created', 'running', 'finishing'].includes(status))
  if (open.length > 0) {
    const names = open.map(({ id, status }) => `${id} is ${status}`).join(', ')
    throw new RefusalError('conflict', `only what has ended can be compared: ${names}`)
  }
  for (const { id, is_stale, figures } of rows) {
    if (is_stale || figures === null) await storeFigures(db, id)
  }
  return new Map(
    rows.map(({ id, plan, expected, environment }) => [
      id,
      parseStored({ plan, expected, environment }),
    ]),
  )
}

const parseBlocks = createParser(
  'blocks of an experiment',
  Type.Array(
    Type.Object({
      experiment_id: Type.String(),
      transport: Transport,
      messages: Type.Integer(),
      expected: Type.Integer(),
      acks: Type.Integer(),
      buckets: Type.Record(Type.String(), Type.Number()),
    }),
  ),
)

async function readRuns(db: Db, ids: string[]): Promise<Map<string, Run['transports']>> {
  const rows = await db
    .selectFrom('experiment_block')
    .select(['experiment_id', 'transport', 'messages', 'expected', 'acks', 'buckets'])
    .where('experiment_id', 'in', ids)
    .orderBy('experiment_id')
    .orderBy('transport')
    .orderBy('block')
    .execute()
  const runs = new Map<string, Run['transports']>()
  for (const { experiment_id, transport, ...block } of parseBlocks(rows)) {
    const transports = runs.get(experiment_id) ?? []
    runs.set(experiment_id, transports)
    const known = transports.find((one) => one.transport === transport)
    if (known) known.blocks.push(block)
    else transports.push({ transport, blocks: [block] })
  }
  return runs
}

const parseComparison = createParser('a comparison', Comparison)

/** In a thread of its own: seconds of arithmetic would hold up everything else of this process. */
async function compareAside(input: ComparisonInput): Promise<Comparison> {
  const worker = new Worker(new URL('./compare-in-worker.ts', import.meta.url), {
    workerData: input,
  })
  const [comparison] = await once(worker, 'message')
  return parseComparison(comparison)
}
