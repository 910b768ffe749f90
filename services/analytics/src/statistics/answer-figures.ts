import { type Bus, RefusalError } from '@corroport/bus'
import {
  createParser,
  type Experiment,
  ExperimentFigures,
  figuresQueried,
  messagesQueried,
  pairsQueried,
  ReceiverFigures,
} from '@corroport/contracts'
import { sql } from 'kysely'
import type { Db } from '../store/database.ts'
import { computeFigures, storeFigures } from './compute-figures.ts'
import { readMessages } from './message-figures.ts'

// NATS carries a megabyte. A page of messages ends before that, however many are missing.
const pageBytes = 800_000
const pairsOfPage = 1000

const ended: readonly Experiment['status'][] = ['finished', 'stopped', 'interrupted']

const parseFigures = createParser('stored figures', ExperimentFigures)
const parsePair = createParser('stored figures of a pair', ReceiverFigures)

/** Figures of an experiment, per pair, and per message. */
export function answerFigures({ db, bus }: { db: Db; bus: Bus }): AsyncDisposable {
  const stack = new AsyncDisposableStack()
  // Who asks for the same figures while they are computed gets the same ones.
  const running = new Map<string, Promise<ExperimentFigures>>()

  stack.use(
    bus.respond(figuresQueried, {}, async ({ id }) => {
      const stored = await readStored(db, id)
      if (stored) return { figures: stored }
      const found = running.get(id) ?? computeNow(db, id).finally(() => running.delete(id))
      running.set(id, found)
      return { figures: await found }
    }),
  )
  stack.use(
    bus.respond(pairsQueried, {}, async ({ id, after }) => {
      await requireExperiment(db, id)
      return readPairs(db, id, after)
    }),
  )
  stack.use(
    bus.respond(messagesQueried, {}, async ({ id, limit, after }) => {
      const place = after === undefined ? { number: -1, messageId: '' } : parsePlace(after)
      await requireExperiment(db, id)
      const rows = await readMessages(db, { experimentId: id, after: place, limit })
      let bytes = 0
      const messages = rows.filter((row, index) => {
        bytes += Buffer.byteLength(JSON.stringify(row))
        return index === 0 || bytes <= pageBytes
      })
      const last = messages.at(-1)
      const isWhole = messages.length === rows.length && rows.length < limit
      return {
        messages,
        next: isWhole || !last ? null : `${last.number}:${last.message_id}`,
      }
    }),
  )
  return stack
}

async function readStored(db: Db, id: string): Promise<ExperimentFigures | undefined> {
  const row = await db
    .selectFrom('experiment')
    .select(['figures', 'is_stale'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw notFound(id)
  return row.figures === null || row.is_stale ? undefined : parseFigures(row.figures)
}

async function computeNow(db: Db, id: string): Promise<ExperimentFigures> {
  const { status } = await requireExperiment(db, id)
  const isEnded = ended.some((state) => state === status)
  const figures = isEnded ? await storeFigures(db, id) : await computeFigures(db, id)
  if (!figures) throw notFound(id)
  return figures
}

/** Empty until the experiment has ended. */
async function readPairs(
  db: Db,
  id: string,
  after: string | undefined,
): Promise<{ pairs: ReceiverFigures[]; next: string | null }> {
  const [transport = '', origin = '', node = '', ...rest] = after?.split(':') ?? []
  if (rest.length > 0) throw badPlace()
  const rows = await db
    .selectFrom('experiment_pair')
    .select(['transport', 'origin', 'node_id', 'figures'])
    .where('experiment_id', '=', id)
    .where(sql<boolean>`(transport, origin, node_id) > (${transport}, ${origin}, ${node})`)
    .orderBy('transport')
    .orderBy('origin')
    .orderBy('node_id')
    .limit(pairsOfPage)
    .execute()
  const last = rows.at(-1)
  return {
    pairs: rows.map(({ figures }) => parsePair(figures)),
    next:
      last && rows.length === pairsOfPage
        ? `${last.transport}:${last.origin}:${last.node_id}`
        : null,
  }
}

async function requireExperiment(db: Db, id: string): Promise<{ status: string }> {
  const row = await db
    .selectFrom('experiment')
    .select('status')
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw notFound(id)
  return row
}

function parsePlace(after: string): { number: number; messageId: string } {
  const [, number, messageId = ''] = /^(\d{1,10}):(.+)$/.exec(after) ?? []
  if (number === undefined) throw badPlace()
  return { number: Number(number), messageId }
}

const notFound = (id: string) => new RefusalError('not-found', `there is no experiment ${id}`)
const badPlace = () => new RefusalError('invalid', 'after is not the next of another page')
