import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type RecordDefinition, streams } from '@corroport/contracts'
import { jetstreamManager } from '@nats-io/jetstream'
import {
  headers as createHeaders,
  createInbox,
  type Msg,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
} from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { type Static, type TSchema, Type } from 'typebox'
import type { Bus, Connection } from './bus.ts'
import { type Answer, readAnswer } from './publish-answer.ts'
import { isStreamMissing } from './stream-heads.ts'
import { createTraceparent, type Span, startSpan } from './trace.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    message_id TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    payload TEXT NOT NULL,
    told_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS outbox_confirmed (one INTEGER PRIMARY KEY CHECK (one = 1), up_to INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO outbox_confirmed VALUES (1, 0);
`

/** NATS refuses more than 1 MB in one message; headers need some of it. */
const maxPayloadBytes = 1_000_000

// Confirmed events are kept for a while: when the store of NATS was wiped or went back, they are told
// again. Less than the streams' duplicate window, so that what is still stored is recognised.
const keepConfirmedMs = 9 * 60_000
const keepConfirmed = 20_000

const inFlightLimit = 256
// They wait in memory while NATS is away.
const maxFreshLength = 10_000
const confirmTimeoutMs = 3000
// An event that comes alone leaves at once; those that follow it closely leave together, since a
// write to the socket costs more than everything else that is done for an event.
const gatherMs = 2
// What is confirmed and not yet written down is published again by the next process, under the same
// ids, which JetStream recognises.
const writeConfirmedEveryMs = 100

export interface Outbox extends AsyncDisposable {
  /** Inside the caller's transaction. */
  add<T extends string, S extends TSchema>(
    event: RecordDefinition<T, S>,
    subject: string,
    payload: Static<S>,
  ): void
  /** After the commit. */
  wake(): void
  /** After a rollback. */
  forget(): void
  unconfirmed(): number
}

const StoredEvent = Type.Object({
  id: Type.Integer(),
  subject: Type.String(),
  message_id: Type.String(),
  traceparent: Type.String(),
  payload: Type.String(),
})
type StoredEvent = Static<typeof StoredEvent>
const parseRow = createParser('stored event', StoredEvent)

/**
 * The relay from a state file to JetStream: in order of commit, until each event is confirmed.
 * `noteIfFull` says whether the volume is full: it is worked on then. A state file that cannot be
 * written otherwise ends the process.
 */
export function createOutbox(
  db: DatabaseSync,
  bus: Bus,
  log: Logger,
  noteIfFull: (error: unknown) => boolean,
): Outbox {
  db.exec(schema)
  const insert = db.prepare(
    'INSERT INTO outbox (subject, message_id, traceparent, payload, told_at) VALUES (?, ?, ?, ?, ?)',
  )
  const selectNext = db.prepare(
    `SELECT id, subject, message_id, traceparent, payload FROM outbox
     WHERE id > ? ORDER BY id LIMIT ?`,
  )
  const selectNewest = db.prepare(
    `SELECT id, subject, message_id, traceparent, payload FROM outbox
     WHERE id IN (SELECT max(id) FROM outbox WHERE id <= ? AND told_at > ? GROUP BY subject)`,
  )
  const writeUpTo = db.prepare('UPDATE outbox_confirmed SET up_to = ?')
  const countAfter = db.prepare('SELECT count(*) AS count FROM outbox WHERE id > ?')

  let confirmedUpTo = Number(db.prepare('SELECT up_to FROM outbox_confirmed').get()?.up_to)
  let writtenUpTo = confirmedUpTo
  const writeIfRoom = (write: () => void): void => {
    try {
      write()
    } catch (error) {
      if (!noteIfFull(error)) throw error
    }
  }
  /** What could not be written is published again by the next process, as above. */
  const writeConfirmed = (): void => {
    if (writtenUpTo === confirmedUpTo) return
    writeIfRoom(() => {
      writeUpTo.run(confirmedUpTo)
      writtenUpTo = confirmedUpTo
    })
  }

  // Spares a look into the table for each confirmation. Too high after a rollback, which only costs one.
  let newestId = Number(db.prepare('SELECT max(id) AS id FROM outbox').get()?.id ?? 0)

  // Committed just now and not yet published, which spares the relay a look into the table.
  let fresh: StoredEvent[] = []
  const takeNext = (lastSent: number): StoredEvent[] => {
    const taken = fresh
    fresh = []
    if (taken[0]?.id === lastSent + 1) return taken
    return lastSent < newestId ? selectNext.all(lastSent, inFlightLimit).map(parseRow) : []
  }

  let wake: () => void = () => undefined
  let onEmpty: (() => void) | undefined

  const relay = async (connection: Connection, signal: AbortSignal): Promise<void> => {
    let attempt = 0
    while (!signal.aborted) {
      try {
        await requireStreams(connection)
        await compareStore(connection)
        await publishUntilFailure(connection, signal, () => {
          attempt = 0
        })
      } catch (err) {
        if (signal.aborted) return
        noteIfFull(err)
        if (attempt === 0) log.warn({ err, unconfirmed: unconfirmed() }, 'events wait for nats')
        attempt = Math.min(attempt + 1, 6)
        await wait(100 * 2 ** attempt * (0.5 + Math.random()), undefined, { signal }).catch(
          () => undefined, // aborted: the loop's condition ends it
        )
      }
    }
  }

  /**
   * A store that was wiped, or of which an older copy was put back, has lost the newest first. So the
   * newest event of each subject is told once more: NATS knows it, or all that is kept is told again.
   */
  const compareStore = async ({ nats }: Connection): Promise<void> => {
    const newest = selectNewest.all(confirmedUpTo, Date.now() - keepConfirmedMs).map(parseRow)
    if (newest.length === 0) return
    const before = confirmedUpTo
    // Asking stores what NATS did not know, and the next to ask would find it known. So until all
    // answers are here, everything counts as lost, for the next process too.
    confirmedUpTo = 0
    writeConfirmed()
    const answers = await Promise.all(newest.map((event) => publishAlone(nats, event)))
    if (answers.includes('stored')) {
      log.warn('nats lost what it had confirmed, telling again')
      return
    }
    confirmedUpTo = before
    writeConfirmed()
    for (const answer of answers) if (Error.isError(answer)) throw answer
  }

  // One inbox for all confirmations: a request of its own for each event costs three times as much.
  const publishUntilFailure = (
    { nats, inboxPrefix }: Connection,
    signal: AbortSignal,
    onConfirmed: () => void,
  ): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const inbox = createInbox(inboxPrefix)
      const inFlight = new Map<number, { sentAt: number; span: Span | undefined }>()
      let lastSent = confirmedUpTo

      let lastPublishedAt = 0
      let gathering: NodeJS.Timeout | undefined
      const publishNext = (): void => {
        if (gathering !== undefined || inFlight.size > inFlightLimit / 2) return
        const sinceMs = performance.now() - lastPublishedAt
        if (sinceMs >= gatherMs) publishNow()
        else gathering = setTimeout(publishNow, gatherMs - sinceMs)
      }

      const publishNow = (): void => {
        clearTimeout(gathering)
        gathering = undefined
        lastPublishedAt = performance.now()
        for (const row of takeNext(lastSent)) {
          const span = startSpan({
            service: bus.service,
            name: `publish ${nounAndFact(row.subject)}`,
            kind: 'producer',
            parent: row.traceparent,
          })
          const headers = headersOf(row.message_id, span?.traceparent ?? row.traceparent)
          nats.publish(row.subject, row.payload, { reply: `${inbox}.${row.id}`, headers })
          inFlight.set(row.id, { sentAt: performance.now(), span })
          lastSent = row.id
        }
        if (inFlight.size === 0) onEmpty?.()
      }

      const onAnswer = (error: Error | null, message: Msg): void => {
        const id = Number(message.subject.slice(inbox.length + 1))
        const answer = error ?? readAnswer(message)
        if (Error.isError(answer)) {
          end(answer)
          return
        }
        onConfirmed()
        inFlight.get(id)?.span?.end()
        inFlight.delete(id)
        // Confirmations come in order, so the oldest that is in flight bounds what is confirmed.
        const [oldest] = inFlight.keys()
        confirmedUpTo = oldest === undefined ? lastSent : oldest - 1
        publishNext()
      }

      const subscription = nats.subscribe(`${inbox}.*`, { callback: onAnswer })
      const overdue = setInterval(() => {
        writeConfirmed()
        const [oldest] = inFlight.values()
        if (oldest && performance.now() - oldest.sentAt > confirmTimeoutMs) {
          end(new Error(`an event was not confirmed in ${confirmTimeoutMs} ms`))
        }
      }, writeConfirmedEveryMs)
      const end = (failure?: Error): void => {
        wake = () => undefined
        clearTimeout(gathering)
        clearInterval(overdue)
        subscription.unsubscribe()
        for (const { span } of inFlight.values())
          span?.end(failure ?? new Error('not confirmed yet'))
        writeConfirmed()
        if (failure) reject(failure)
        else resolve()
      }
      if (signal.aborted) {
        end()
        return
      }
      signal.addEventListener('abort', () => end(), { once: true })
      wake = publishNext
      publishNext()
    })

  const unconfirmed = (): number => Number(countAfter.get(confirmedUpTo)?.count ?? 0)

  const worker = bus.onConnected(relay)
  const pruning = setInterval(() => writeIfRoom(() => prune(db, confirmedUpTo)), 1000)
  pruning.unref()

  return {
    add(event, subject, payload) {
      const text = JSON.stringify(event.parse(payload))
      // A character has at most three bytes, so most texts need not be measured.
      if (text.length * 3 > maxPayloadBytes && Buffer.byteLength(text) > maxPayloadBytes) {
        throw new Error(`${subject} is larger than an event may be, ${maxPayloadBytes} bytes`)
      }
      const message_id = event.identify(payload)
      const traceparent = createTraceparent()
      const { lastInsertRowid } = insert.run(subject, message_id, traceparent, text, Date.now())
      newestId = Number(lastInsertRowid)
      // A gap in them only costs a look into the table.
      if (fresh.at(-1)?.id !== newestId - 1) fresh = []
      if (fresh.length < inFlightLimit && text.length <= maxFreshLength) {
        fresh.push({ id: newestId, subject, message_id, traceparent, payload: text })
      }
    },
    wake: () => wake(),
    forget() {
      fresh = []
    },
    unconfirmed,
    async [Symbol.asyncDispose]() {
      clearInterval(pruning)
      await emptied()
      await worker[Symbol.asyncDispose]()
      writeConfirmed()
    },
  }

  /** Gives the relay a moment to deliver the last events; what it cannot, the next start does. */
  async function emptied(): Promise<void> {
    if (!bus.isConnected || unconfirmed() === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const deadline = setTimeout(resolve, 1000)
    onEmpty = resolve
    wake()
    await promise
    clearTimeout(deadline)
  }
}

/** `corro.ack.sent` of `corro.ack.sent.node1`: names of spans are few. */
function nounAndFact(subject: string): string {
  return subject.split('.', 3).join('.')
}

function headersOf(messageId: string, traceparent: string): ReturnType<typeof createHeaders> {
  const headers = createHeaders()
  headers.set('Nats-Msg-Id', messageId)
  headers.set('traceparent', traceparent)
  return headers
}

/** Throws where it is open whether it was stored. */
async function publishAlone(
  nats: NatsConnection,
  { subject, payload, message_id, traceparent }: StoredEvent,
): Promise<Answer> {
  const headers = headersOf(message_id, traceparent)
  try {
    return readAnswer(await nats.request(subject, payload, { headers, timeout: confirmTimeoutMs }))
  } catch (error) {
    if (Error.isError(error) && wasRefused(error.cause)) return error
    throw error
  }
}

function wasRefused(error: unknown): boolean {
  return error instanceof NoRespondersError || error instanceof PermissionViolationError
}

async function requireStreams({ nats }: Connection): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  for (const { name } of streams) {
    try {
      await manager.streams.info(name)
    } catch (error) {
      throw isStreamMissing(error)
        ? new Error(`stream ${name} does not exist: run \`corroport streams apply\``, {
            cause: error,
          })
        : error
    }
  }
}

// A little at a time: a large delete would hold up the events of this moment. The newest row stays,
// since the next id is one above it and an id must not come twice.
function prune(db: DatabaseSync, confirmedUpTo: number): void {
  db.prepare(
    `DELETE FROM outbox WHERE id IN (
       SELECT id FROM outbox
       WHERE id <= ?1 AND id < (SELECT max(id) FROM outbox) AND (told_at < ?2 OR id <= (SELECT max(id) FROM outbox) - ?3)
       ORDER BY id LIMIT 2000)`,
  ).run(confirmedUpTo, Date.now() - keepConfirmedMs, keepConfirmed)
}
