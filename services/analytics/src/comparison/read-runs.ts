import { RefusalError } from '@corroport/bus'
import { createParser, Experiment, Transport } from '@corroport/contracts'
import { type Static, Type } from 'typebox'
import { storeFigures } from '../statistics/compute-figures.ts'
import type { Db } from '../store/database.ts'
import type { Run } from './compare.ts'
import { type Block, merge } from './units.ts'

const { id, status, plan, expected, environment } = Experiment.properties
const Stored = Type.Object({ id, status, plan, expected, environment })
type Stored = Static<typeof Stored>
const parseStored = createParser('a stored experiment', Stored)

/** With figures of all that was stored. Refuses what is not known or has not ended. */
export async function readEnded(db: Db, ids: readonly string[]): Promise<Stored[]> {
  const rows = await db
    .selectFrom('experiment')
    .select(['id', 'status', 'plan', 'expected', 'environment', 'is_stale', 'figures'])
    .where('id', 'in', ids)
    .execute()
  const unknown = ids.filter((wanted) => !rows.some((row) => row.id === wanted))
  if (unknown.length > 0) {
    throw new RefusalError('not-found', `no such experiment: ${unknown.join(', ')}`)
  }
  const open = rows.filter((row) => ['created', 'running', 'finishing'].includes(row.status))
  if (open.length > 0) {
    const names = open.map((row) => `${row.id} is ${row.status}`).join(', ')
    throw new RefusalError('conflict', `only what has ended can be compared: ${names}`)
  }
  for (const row of rows) {
    if (row.is_stale || row.figures === null) await storeFigures(db, row.id)
  }
  return rows.map((row) => parseStored(row))
}

const parseBlocks = createParser(
  'blocks of an experiment',
  Type.Array(
    Type.Object({
      transport: Transport,
      messages: Type.Integer(),
      expected: Type.Integer(),
      acks: Type.Integer(),
      buckets: Type.Record(Type.String(), Type.Number()),
    }),
  ),
)

/** `isMerged`: all blocks of a transport as one. A hundred runs of a million samples fit then. */
export async function readRun(
  db: Db,
  experimentId: string,
  { isMerged }: { isMerged: boolean },
): Promise<Run> {
  const rows = await db
    .selectFrom('experiment_block')
    .select(['transport', 'messages', 'expected', 'acks', 'buckets'])
    .where('experiment_id', '=', experimentId)
    .orderBy('transport')
    .orderBy('block')
    .execute()
  const byTransport = Map.groupBy(parseBlocks(rows), ({ transport }) => transport)
  return {
    id: experimentId,
    transports: [...byTransport].map(([transport, own]) => {
      const blocks = own.map(
        ({ messages, acks, buckets, ...row }): Block => ({
          messages,
          expected: row.expected,
          acks,
          uppers: Float64Array.from(Object.keys(buckets), Number),
          counts: Uint32Array.from(Object.values(buckets)),
        }),
      )
      return { transport, blocks: isMerged ? [merge(blocks)] : blocks }
    }),
  }
}
