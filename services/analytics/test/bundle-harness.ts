import { type Bus, CommandError } from '@corroport/bus'
import {
  type Experiment,
  experimentImported,
  type StoredEvent,
  storedEventsQueried,
} from '@corroport/contracts'
import type { Postgres } from '@corroport/testing'
import { sql } from 'kysely'
import { answerBundles } from '../src/bundle/answer-bundles.ts'
import type { Db } from '../src/store/database.ts'
import { createDatabase, quiet } from './harness.ts'

/** Answers from a database of its own until it is disposed. */
export async function startBundles({ postgres, bus }: { postgres: Postgres; bus: Bus }) {
  await using starting = new AsyncDisposableStack()
  const { db } = starting.use(await createDatabase(postgres))
  starting.use(answerBundles({ db, bus, log: quiet }))
  return Object.assign(starting.move(), { db, bus })
}

export async function exportAll(bus: Bus, id: string) {
  const events: StoredEvent[] = []
  let pages = 0
  let after: string | undefined
  do {
    const page = await bus.request(
      storedEventsQueried,
      {},
      after === undefined ? { id } : { id, after },
    )
    events.push(...page.events)
    after = page.next ?? undefined
    pages++
  } while (after !== undefined)
  return { events, pages }
}

let imports = 0
export const newImportId = (): string =>
  `01KF0HJ0BV9V8R7D2M5XNC${String(++imports).padStart(4, '0')}`

export async function importAll(
  bus: Bus,
  experiment: Experiment,
  events: readonly StoredEvent[],
  importId = newImportId(),
) {
  const pages = [events.slice(0, 100), events.slice(100)]
  const [first = [], second = []] = pages
  const base = { importId, by: 'operator' }
  await bus.request(
    experimentImported,
    {},
    { ...base, page: 0, isLast: false, experiment, events: first },
  )
  return bus.request(experimentImported, {}, { ...base, page: 1, isLast: true, events: second })
}

export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof CommandError) || !error.refusal) throw error ?? new Error('not refused')
  return { code: error.refusal.code, message: error.refusal.message }
}

export async function countRows(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT ((SELECT count(*) FROM sent) + (SELECT count(*) FROM ack)
      + (SELECT count(*) FROM experiment))::integer AS n`.execute(db)
  return rows[0]?.n ?? 0
}
