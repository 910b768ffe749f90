import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { createParser, type RecordDefinition, streams } from '@corroport/contracts'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers as createHeaders, createInbox, type Msg } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Bus, Connection } from './bus.ts'
import { isStreamMissing } from './stream-heads.ts'
import { createTraceparent } from './trace.ts'

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
  CREATE TABLE IF NOT EXISTS stream_incarnation (
    stream TEXT PRIMARY KEY,
    created_at TEXT NOT NULL
  ) STRICT;
`

/** NATS refuses more than 1 MB in one message; headers need some of it. */
const maxPayloadBytes = 1_000_000

// Confirmed events are kept for a while: when a stream's store was wiped, they are told again. Less
// than the streams' duplicate window, so that a stream which was not wiped recognises them.
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

/** The relay from a state file to JetStream: in order of commit, until each event is confirmed. */
export function createOutbox(db: DatabaseSync, bus: Bus, log: Logger): Outbox {
  db.exec(schema)
  const insert = db.prepare(
    'INSERT INTO outbox (subject, message_id, traceparent, payload, told_at) VALUES (?, ?, ?, ?, ?)',
  )
  const selectNext = db.prepare(
    `SELECT id, subject, message_id, traceparent, payload FROM outbox
     WHERE id > ? ORDER BY id LIMIT ?`,
  )
  const writeUpTo = db.prepare('UPDATE outbox_confirmed SET up_to = ?')
  const countAfter = db.prepare('SELECT count(*) AS count FROM outbox WHERE id > ?')

  let confirmedUpTo = Number(db.prepare('SELECT up_to FROM outbox_confirmed').get()?.up_to)
  let writtenUpTo = confirmedUpTo
  const writeConfirmed = (): void => {
    if (writtenUpTo === confirmedUpTo) return
    writeUpTo.run(confirmedUpTo)
    writtenUpTo = confirmedUpTo
  }
  const tellAgain = (): void => {
    confirmedUpTo = 0
    writeConfirmed()
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
        await compareStreams(db, connection, tellAgain, log)
        await publishUntilFailure(connection, signal, () => {
          attempt = 0
        })
      } catch (err) {
        if (signal.aborted) return
        if (attempt === 0) log.warn({ err, unconfirmed: unconfirmed() }, 'events wait for nats')
        attempt = Math.min(attempt + 1, 6)
        await wait(100 * 2 ** attempt * (0.5 + Math.random()), undefined, { signal }).catch(
          () => undefined, // aborted: the loop's condition ends it
        )
      }
    }
  }

  // One inbox for all confirmations: a request of its own for each event costs three times as much.
  const publishUntilFailure = (
    { nats }: Connection,
    signal: AbortSignal,
    onConfirmed: () => void,
  ): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const inbox = createInbox()
      const inFlight = new Map<number, number>()
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
          const headers = createHeaders()
          headers.set('Nats-Msg-Id', row.message_id)
          headers.set('traceparent', row.traceparent)
          nats.publish(row.subject, row.payload, { reply: `${inbox}.${row.id}`, headers })
          inFlight.set(row.id, performance.now())
          lastSent = row.id
        }
        if (inFlight.size === 0) onEmpty?.()
      }

      const onAnswer = (error: Error | null, message: Msg): void => {
        const id = Number(message.subject.slice(inbox.length + 1))
        const refusal = error ?? refusalOf(message)
        if (refusal) {
          end(refusal)
          return
        }
        onConfirmed()
        inFlight.delete(id)
        // Confirmations come in order, so the oldest that is in flight bounds what is confirmed.
        const [oldest] = inFlight.keys()
        confirmedUpTo = oldest === undefined ? lastSent : oldest - 1
        publishNext()
      }

      const subscription = nats.subscribe(`${inbox}.*`, { callback: onAnswer })
      const overdue = setInterval(() => {
        writeConfirmed()
        const [sentAt] = inFlight.values()
        if (sentAt !== undefined && performance.now() - sentAt > confirmTimeoutMs) {
          end(new Error(`an event was not confirmed in ${confirmTimeoutMs} ms`))
        }
      }, writeConfirmedEveryMs)
      const end = (failure?: Error): void => {
        wake = () => undefined
        clearTimeout(gathering)
        clearInterval(overdue)
        subscription.unsubscribe()
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
  const pruning = setInterval(() => prune(db, confirmedUpTo), 1000)
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

const PublishAnswer = Compile(
  Type.Object({ error: Type.Optional(Type.Object({ description: Type.String() })) }),
)

/** Why an event was not stored; undefined when it was, or had been before. */
function refusalOf(message: Msg): Error | undefined {
  if (message.headers?.code === 503) return new Error('no stream takes the event')
  const answer: unknown = message.json()
  if (!PublishAnswer.Check(answer)) return new Error('jetstream answered something else')
  return answer.error ? new Error(answer.error.description) : undefined
}

/** A stream that was made anew has lost what it had confirmed: everything kept is told again. */
async function compareStreams(
  db: DatabaseSync,
  { nats }: Connection,
  tellAgain: () => void,
  log: Logger,
): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const known = db.prepare('SELECT created_at FROM stream_incarnation WHERE stream = ?')
  const remember = db.prepare('INSERT OR REPLACE INTO stream_incarnation VALUES (?, ?)')
  for (const { name } of streams) {
    let createdAt: string
    try {
      createdAt = (await manager.streams.info(name)).created
    } catch (error) {
      if (isStreamMissing(error)) {
        throw new Error(`stream ${name} does not exist: run \`corroport streams apply\``, {
          cause: error,
        })
      }
      throw error
    }
    const before = known.get(name)?.created_at
    if (before === createdAt) continue
    if (before !== undefined) {
      log.warn({ stream: name }, 'stream was wiped, telling again')
      // Before the new time is remembered: killed in between, the next process sees it again.
      tellAgain()
    }
    remember.run(name, createdAt)
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
