import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Bus, RefusalError } from '@corroport/bus'
import { Comparison, createParser, experimentsCompared } from '@corroport/contracts'
import type { Db } from '../store/database.ts'
import { areSame, type ComparisonInput, type Run, unitOf } from './compare.ts'
import { describeCutShort, findDifferingPlans } from './differing-plans.ts'
import { readEnded, readRun } from './read-runs.ts'

/** Says whether two experiments, or two series of them, differ. */
export function answerComparisons({ db, bus }: { db: Db; bus: Bus }): AsyncDisposable {
  const stopping = new AbortController()
  // One at a time: each takes a core, and the blocks of up to 200 experiments.
  let last: Promise<unknown> = Promise.resolve()
  const answering = bus.respond(experimentsCompared, {}, async ({ a, b, seed = 1 }) => {
    const sides = { a: [...new Set(a)], b: [...new Set(b)], seed }
    const comparing = last.then(() => compareStored(db, sides, stopping.signal))
    last = comparing.catch(() => undefined) // whoever asked is told
    return { comparison: await comparing }
  })
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('analytics stops'))
      await answering[Symbol.asyncDispose]()
    },
  }
}

interface Sides {
  a: string[]
  b: string[]
  seed: number
}

async function compareStored(
  db: Db,
  { a, b, seed }: Sides,
  signal: AbortSignal,
): Promise<Comparison> {
  const both = a.filter((id) => b.includes(id))
  if (both.length > 0 && !areSame(a, b)) {
    throw new RefusalError('invalid', `${both.join(', ')}: on both sides`)
  }
  signal.throwIfAborted()
  const experiments = await readEnded(db, [...new Set([...a, ...b])])
  const isMerged = unitOf(a, b) === 'runs'
  const runs = new Map<string, Run>()
  for (const { id } of experiments) {
    runs.set(id, await readRun(db, id, { isMerged }))
    signal.throwIfAborted()
  }
  const side = (ids: string[]) => ids.flatMap((id) => runs.get(id) ?? [])
  const differing = findDifferingPlans(experiments)
  const comparison = await compareAside(
    { a: side(a), b: side(b), differing: differing.map(({ name }) => name), seed },
    signal,
  )
  const warnings = [
    ...differing.map(({ text }) => text),
    ...describeCutShort(experiments),
    ...comparison.warnings,
  ]
  return { ...comparison, warnings }
}

const parseComparison = createParser('a comparison', Comparison)

/** In a thread of its own: its arithmetic would hold up everything else of this process. */
async function compareAside(input: ComparisonInput, signal: AbortSignal): Promise<Comparison> {
  const worker = new Worker(new URL('./compare-in-worker.ts', import.meta.url), {
    workerData: input,
  })
  try {
    const [comparison] = await once(worker, 'message', { signal })
    return parseComparison(comparison)
  } catch (error) {
    signal.throwIfAborted() // with why, which once() does not tell
    throw error
  } finally {
    await worker.terminate()
  }
}
