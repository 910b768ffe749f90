import {
  createParser,
  Experiment,
  ExperimentProgress,
  type ExperimentStatus,
  nullable,
} from '@corroport/contracts'
import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'

/** An experiment as its row has it: all that the next process needs to go on with it. */
const StoredExperiment = Type.Object({
  experiment: Experiment,
  progress: nullable(ExperimentProgress, { description: 'as it was last counted' }),
  stoppedBy: nullable(Type.String()),
})
export type StoredExperiment = Static<typeof StoredExperiment>

const parseStored = createParser('stored experiment', StoredExperiment)

const select = (db: Db) =>
  db
    .selectFrom('experiment')
    .select([
      'id',
      'plan',
      'status',
      'reason',
      'expected',
      'environment',
      'shares',
      'by',
      'imported_from',
      'progress',
      'stopped_by',
    ])
    .select([
      isoTime('created_at').as('created_at'),
      isoTime('started_at').as('started_at'),
      isoTime('sending_ended_at').as('sending_ended_at'),
      isoTime('deadline_at').as('deadline_at'),
      isoTime('finished_at').as('finished_at'),
    ])

type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

const toStored = ({ progress, stopped_by: stoppedBy, ...experiment }: Row): StoredExperiment =>
  parseStored({ experiment, progress, stoppedBy })

export async function findExperiment(db: Db, id: string): Promise<StoredExperiment | undefined> {
  const row = await select(db).where('id', '=', id).executeTakeFirst()
  return row && toStored(row)
}

/** The newest first. */
export async function listExperiments(
  db: Db,
  page: { limit: number; before?: string },
): Promise<StoredExperiment[]> {
  const { limit, before } = page
  const rows = await select(db)
    .$if(before !== undefined, (query) => query.where('created_at', '<', before ?? ''))
    .orderBy('experiment.created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(toStored)
}

/** Those that something is still to be done for. */
export async function listOpenExperiments(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('experiment')
    .select('id')
    .where((where) =>
      where.or([where('status', 'in', ['running', 'finishing']), where('is_told', '=', false)]),
    )
    .where('status', '<>', 'created')
    .execute()
  return rows.map(({ id }) => id)
}

/** Others of which an origin sends now: `node1` → `their-id`. */
export async function findBusyOrigins(
  db: Db,
  origins: readonly string[],
): Promise<{ experimentId: string; nodeId: string }[]> {
  const { rows } = await sql<{ experimentId: string; nodeId: string }>`
    SELECT id AS "experimentId", origin AS "nodeId"
    FROM experiment, jsonb_array_elements_text(plan -> 'origins') AS origin
    WHERE status = 'running' AND origin = ANY(${[...origins]}::text[])
    ORDER BY id, origin`.execute(db)
  return rows
}

/** False when the id is taken. */
export async function insertExperiment(db: Db, experiment: Experiment): Promise<boolean> {
  const { plan, expected, environment, shares, ...rest } = experiment
  const { numInsertedOrUpdatedRows = 0n } = await db
    .insertInto('experiment')
    .values({
      ...rest,
      plan: JSON.stringify(plan),
      expected: JSON.stringify(expected),
      environment: environment && JSON.stringify(environment),
      shares: JSON.stringify(shares),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/** What was told of an experiment outlives it; another one of this name would count that too. */
export async function wasBegun(db: Db, id: string): Promise<boolean> {
  const { rows } = await sql<{ wasBegun: boolean }>`
    SELECT EXISTS (SELECT FROM sent WHERE experiment_id = ${id})
      OR EXISTS (SELECT FROM event
        WHERE kind = 'experiment.started' AND payload ->> 'experimentId' = ${id}) AS "wasBegun"`.execute(
    db,
  )
  return rows[0]?.wasBegun === true
}

export type ExperimentChange = Partial<
  Pick<
    Experiment,
    | 'status'
    | 'reason'
    | 'expected'
    | 'environment'
    | 'shares'
    | 'started_at'
    | 'sending_ended_at'
    | 'deadline_at'
    | 'finished_at'
  > & { stopped_by: string; is_told: boolean; is_stale: boolean }
>

/** Changes it if it is still in the state that the change was made for. */
export async function changeExperiment(
  db: Db,
  where: { id: string; status: ExperimentStatus },
  change: ExperimentChange,
): Promise<boolean> {
  const { expected, environment, shares, ...rest } = change
  const { numUpdatedRows } = await db
    .updateTable('experiment')
    .set({
      ...rest,
      ...(expected && { expected: JSON.stringify(expected) }),
      ...(environment && { environment: JSON.stringify(environment) }),
      ...(shares && { shares: JSON.stringify(shares) }),
    })
    .where('id', '=', where.id)
    .where('status', '=', where.status)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function storeProgress(
  db: Db,
  id: string,
  progress: ExperimentProgress,
): Promise<void> {
  await db
    .updateTable('experiment')
    .set({ progress: JSON.stringify(progress) })
    .where('id', '=', id)
    .execute()
}

/** By the clock of its origin. */
export async function findLastSentAt(db: Db, id: string): Promise<string | undefined> {
  const last = await db
    .selectFrom('sent')
    .select(isoTime('sent_at').as('at'))
    .where('experiment_id', '=', id)
    .orderBy('sent.sent_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.at
}

/** False when it runs, or there is none. */
export async function deleteExperiment(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('experiment')
    .where('id', '=', id)
    .where('status', 'not in', ['running', 'finishing'])
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** What an origin told of the end of its share, before it fell silent. */
export async function findEndedShare(db: Db, id: string, nodeId: string): Promise<unknown> {
  const { rows } = await sql<{ payload: unknown }>`
    SELECT payload FROM event
    WHERE kind = 'share.ended' AND payload ->> 'experimentId' = ${id} AND payload ->> 'nodeId' = ${nodeId}
    ORDER BY at DESC LIMIT 1`.execute(db)
  return rows[0]?.payload
}
