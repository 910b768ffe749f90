import { RefusalError } from '@corroport/bus'
import { createParser, Experiment, nowMicroseconds } from '@corroport/contracts'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import { countProgress, toProgress } from '../experiments/count-progress.ts'
import { findExperiment, insertExperiment } from '../experiments/experiment-rows.ts'
import { storeFigures } from '../statistics/compute-figures.ts'
import type { Db } from '../store/database.ts'
import type { Database } from '../store/tables.ts'
import { isPossibleTime, isStorable } from './check-row.ts'

type Tx = Transaction<Database>

const tables = ['sent', 'outcome', 'skipped', 'receipt', 'ack', 'clock_sample', 'event'] as const

/** Makes an experiment of the pages, all of it or nothing. Done again, it only says what it is. */
export async function finishImport(
  db: Db,
  options: { importId: string; lastPage: number; by: string },
): Promise<Experiment> {
  const { importId, lastPage } = options
  const { id, isNew } = await db.transaction().execute(async (transaction) => {
    const done = await lockImport(transaction, importId)
    if (done !== undefined) return { id: done, isNew: false }
    const experiment = await readExperiment(transaction, { importId, lastPage })
    await checkRows(transaction, importId, experiment.id)
    for (const table of tables) {
      await sql`
        INSERT INTO ${sql.table(table)}
        SELECT stored.* FROM import_row, jsonb_populate_record(NULL::${sql.table(table)}, row) stored
        WHERE import_id = ${importId} AND table_name = ${table}
        ON CONFLICT DO NOTHING`.execute(transaction)
    }
    const isFree = await insertExperiment(transaction, {
      ...experiment,
      by: options.by,
      imported_from: experiment.imported_from ?? 'bundle',
    })
    if (!isFree) throw taken(experiment.id)
    const progress = toProgress(experiment.shares, await countProgress(transaction, experiment.id))
    // Stale: whoever asks for its figures before they are stored has them computed.
    await transaction
      .updateTable('experiment')
      .set({ is_stale: true, progress: JSON.stringify(progress) })
      .where('id', '=', experiment.id)
      .execute()
    await sql`DELETE FROM import_row WHERE import_id = ${importId}`.execute(transaction)
    await sql`
      UPDATE import_page SET stored_as = ${experiment.id}, taken_at = now()
      WHERE import_id = ${importId}`.execute(transaction)
    return { id: experiment.id, isNew: true }
  })
  const stored = await findExperiment(db, id)
  if (!stored) throw new RefusalError('not-found', `${id} was imported, and deleted since`)
  if (isNew) await storeFigures(db, id)
  return stored.experiment
}

/** One process at a time finishes it. The experiment that it is already, if it is. */
async function lockImport(transaction: Tx, importId: string): Promise<string | undefined> {
  const { rows } = await sql<{ stored_as: string | null }>`
    SELECT stored_as FROM import_page WHERE import_id = ${importId} FOR UPDATE`.execute(transaction)
  return rows.find(({ stored_as }) => stored_as !== null)?.stored_as ?? undefined
}

const parseExperiment = createParser('the experiment of an import', Experiment)

async function readExperiment(
  transaction: Tx,
  { importId, lastPage }: { importId: string; lastPage: number },
): Promise<Experiment> {
  const pages = await transaction
    .selectFrom('import_page')
    .select(['page', 'experiment'])
    .where('import_id', '=', importId)
    .orderBy('page')
    .execute()
  const missing = pages.findIndex(({ page }, index) => page !== index)
  if (missing >= 0 || pages.length !== lastPage + 1) {
    throw invalid(
      `page ${missing >= 0 ? missing : pages.length} of ${lastPage + 1} is missing, or there are too many`,
    )
  }
  const [told, ...others] = pages.filter(({ experiment }) => experiment !== null)
  if (!told || others.length > 0) throw invalid('one page tells the experiment')
  const experiment = parseExperiment(told.experiment)
  if (!['finished', 'stopped', 'interrupted'].includes(experiment.status)) {
    throw invalid(`${experiment.id} is ${experiment.status}; only what has ended can be imported`)
  }
  const now = nowMicroseconds()
  for (const name of timesOfExperiment) {
    const time = experiment[name]
    if (time !== null && !isPossibleTime(time, now)) {
      throw invalid(`${name} ${time} is no possible time`)
    }
  }
  if (!isStorable(experiment)) throw invalid('the experiment has characters that cannot be stored')
  if (await findExperiment(transaction, experiment.id)) throw taken(experiment.id)
  return experiment
}

const timesOfExperiment = [
  'created_at',
  'started_at',
  'sending_ended_at',
  'deadline_at',
  'finished_at',
] as const

const invalid = (reason: string): RefusalError => new RefusalError('invalid', reason)
const taken = (id: string): RefusalError =>
  new RefusalError('conflict', `there is an experiment ${id} already`)

/** What each row for itself cannot show. The first wrong one is told for each rule. */
async function checkRows(transaction: Tx, importId: string, experimentId: string): Promise<void> {
  await sql`
    CREATE TEMPORARY TABLE imported_message ON COMMIT DROP AS
    SELECT row ->> 'message_id' AS message_id, row ->> 'transport' AS transport,
      row ->> 'origin' AS origin, row ->> 'experiment_id' AS experiment_id,
      (row ->> 'sent_at')::timestamptz AS sent_at
    FROM import_row WHERE import_id = ${importId} AND table_name = 'sent'`.execute(transaction)
  await sql`ANALYZE imported_message, import_row`.execute(transaction)
  await sql`SELECT set_config('work_mem', '64MB', true)`.execute(transaction)
  const problems: string[] = []
  for (const { problem, find } of rules(importId, experimentId)) {
    const what = await findFirst(transaction, find)
    if (what !== null) problems.push(`${problem}: ${what}`)
  }
  const [first] = problems
  if (first !== undefined) throw new RefusalError('invalid', first, problems)
  for (const { problem, find } of conflicts(importId, experimentId)) {
    const what = await findFirst(transaction, find)
    if (what !== null) throw new RefusalError('conflict', `${problem}: ${what}`)
  }
}

// Not LIMIT 1: Postgres then looks row by row for a first one, which mostly is not there.
async function findFirst(transaction: Tx, find: RawBuilder<unknown>): Promise<string | null> {
  const { rows } = await sql<{ what: string | null }>`
    SELECT min(what) AS what FROM (${find}) found`.execute(transaction)
  return rows[0]?.what ?? null
}

interface Rule {
  problem: string
  /** Selects `what` breaks it. */
  find: RawBuilder<unknown>
}

function rules(importId: string, experimentId: string): Rule[] {
  const rowsOf = (table: string) =>
    sql`import_row r WHERE r.import_id = ${importId} AND r.table_name = ${table}`
  const outsideOf = (table: string): Rule => ({
    problem: `${table} of a message that the file does not have`,
    find: sql`SELECT r.row ->> 'message_id' AS what FROM ${rowsOf(table)} AND NOT EXISTS (
      SELECT FROM imported_message m WHERE m.message_id = r.row ->> 'message_id'
        AND m.transport = r.row ->> 'transport' AND m.origin = r.row ->> 'origin')`,
  })
  return [
    {
      problem: 'a message that was sent twice',
      find: sql`SELECT message_id AS what FROM imported_message
        GROUP BY message_id HAVING count(*) > 1`,
    },
    {
      problem: 'a message of another experiment',
      find: sql`SELECT message_id AS what FROM imported_message
        WHERE experiment_id IS DISTINCT FROM ${experimentId}`,
    },
    {
      problem: 'skipped messages of another experiment',
      find: sql`SELECT r.row ->> 'experiment_id' AS what FROM ${rowsOf('skipped')}
        AND r.row ->> 'experiment_id' <> ${experimentId}`,
    },
    outsideOf('outcome'),
    outsideOf('receipt'),
    outsideOf('ack'),
    {
      problem: 'a message with two outcomes',
      find: sql`SELECT r.row ->> 'message_id' AS what FROM ${rowsOf('outcome')}
        GROUP BY 1 HAVING count(*) > 1`,
    },
    {
      problem: 'a message that one node acknowledged twice',
      find: sql`SELECT r.row ->> 'message_id' AS what FROM ${rowsOf('ack')}
        GROUP BY 1, r.row ->> 'node_id' HAVING count(*) > 1`,
    },
    {
      // Both by the clock of the origin, which may have been set meanwhile.
      problem: 'an acknowledgement more than a day before, or a month after, its message',
      find: sql`SELECT m.message_id AS what FROM import_row r
        JOIN imported_message m ON m.message_id = r.row ->> 'message_id'
        WHERE r.import_id = ${importId} AND r.table_name = 'ack'
          AND (r.row ->> 'arrived_at')::timestamptz
            NOT BETWEEN m.sent_at - interval '1 day' AND m.sent_at + interval '31 days'`,
    },
  ]
}

/** Raw records stand in the same tables as our own: they must not become part of other figures. */
function conflicts(importId: string, experimentId: string): Rule[] {
  return [
    {
      problem: `messages of another experiment named ${experimentId} are stored here`,
      find: sql`SELECT message_id AS what FROM sent WHERE experiment_id = ${experimentId}
        AND NOT EXISTS (SELECT FROM imported_message m WHERE m.message_id = sent.message_id)`,
    },
    {
      problem: 'its messages are stored here as those of another experiment',
      find: sql`SELECT coalesce(s.experiment_id, s.message_id) AS what
        FROM imported_message m JOIN sent s USING (message_id)
        WHERE s.experiment_id IS DISTINCT FROM ${experimentId} OR s.sent_at <> m.sent_at`,
    },
    {
      problem: 'other acknowledgements of its messages are stored here',
      find: sql`SELECT a.message_id AS what
        FROM imported_message m JOIN ack a USING (message_id)
        WHERE NOT EXISTS (SELECT FROM import_row r
          WHERE r.import_id = ${importId} AND r.table_name = 'ack'
            AND r.row ->> 'message_id' = a.message_id AND r.row ->> 'node_id' = a.node_id
            AND (r.row ->> 'arrived_at')::timestamptz = a.arrived_at)`,
    },
    {
      problem: 'the clock of a node of this name was compared here at the same time, otherwise',
      find: sql`
        WITH imported AS MATERIALIZED (
          SELECT row ->> 'node_id' AS node_id, (row ->> 'at')::timestamptz AS at,
            (row ->> 'offset_us')::float8 AS offset_us
          FROM import_row WHERE import_id = ${importId} AND table_name = 'clock_sample'
        )
        SELECT c.node_id AS what
        FROM (SELECT node_id, min(at) AS first, max(at) AS last FROM imported GROUP BY node_id) t
        JOIN clock_sample c ON c.node_id = t.node_id AND c.at BETWEEN t.first AND t.last
        WHERE NOT EXISTS (SELECT FROM imported i WHERE i.node_id = c.node_id AND i.at = c.at
          AND abs(i.offset_us - c.offset_us) < 1)`,
    },
    {
      problem: 'a node of this name was audited here at the same time, otherwise',
      find: sql`
        WITH imported AS MATERIALIZED (
          SELECT row ->> 'id' AS id, row -> 'payload' ->> 'nodeId' AS node_id,
            (row ->> 'at')::timestamptz AS at
          FROM import_row WHERE import_id = ${importId} AND table_name = 'event'
            AND row ->> 'kind' = 'subscription.audited'
        )
        SELECT t.node_id AS what
        FROM (SELECT node_id, min(at) AS first, max(at) AS last FROM imported GROUP BY node_id) t
        JOIN event e ON e.payload ->> 'nodeId' = t.node_id AND e.at BETWEEN t.first AND t.last
        WHERE e.kind = 'subscription.audited'
          AND NOT EXISTS (SELECT FROM imported i WHERE i.id = e.id)`,
    },
  ]
}
