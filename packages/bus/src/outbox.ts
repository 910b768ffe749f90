import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { type RecordDefinition, streams } from '@corroport/contracts'
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import { headers as createHeaders } from '@nats-io/transport-node'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import type { Bus, Connection } from './bus.ts'
import { createTraceparent } from './trace.ts'

const schema = `
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    subject TEXT NOT NULL,
    message_id TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    payload TEXT NOT NULL,
    confirmed_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS outbox_unconfirmed ON outbox (id) WHERE confirmed_at IS NULL;
  CREATE INDEX IF NOT EXISTS outbox_confirmed ON outbox (confirmed_at) WHERE confirmed_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS stream_incarnation (
    stream TEXT PRIMARY KEY,
    created_at TEXT NOT NULL
  ) STRICT;
`

/** NATS refuses more than 1 MB in one message; headers need some of it. */
export const maxPayloadBytes = 1_000_000

// Confirmed events are kept for a while: when a stream's store was wiped, they are told again.
const keepConfirmedMs = 10 * 60_000
const keepConfirmed = 20_000

const inFlightLimit = 256
const confirmTimeoutMs = 3000

export interface Outbox extends AsyncDisposable {
  /** Inside the caller's transaction. */
  add<T extends string, S extends TSchema>(
    event: RecordDefinition<T, S>,
    subject: string,
    payload: Static<S>,
  ): void
  /** After the commit. */
  wake(): void
  unconfirmed(): number
}

interface OutboxRow {
  id: number
  stream: string
  subject: string
  message_id: string
  traceparent: string
  payload: string
}

/** The relay from a state file to JetStream: in order of commit, until each event is confirmed. */
export function createOutbox(db: DatabaseSync, bus: Bus, log: Logger): Outbox {
  db.exec(schema)
  const insert = db.prepare(
    'INSERT INTO outbox (stream, subject, message_id, traceparent, payload) VALUES (?, ?, ?, ?, ?)',
  )
  const selectNext = db.prepare(
    `SELECT id, stream, subject, message_id, traceparent, payload FROM outbox
     WHERE confirmed_at IS NULL AND id > ? ORDER BY id LIMIT ?`,
  )
  const confirm = db.prepare('UPDATE outbox SET confirmed_at = ? WHERE id = ?')
  const countUnconfirmed = db.prepare(
    'SELECT count(*) AS count FROM outbox WHERE confirmed_at IS NULL',
  )

  let wakeUp: (() => void) | undefined
  let isAwake = false
  const wake = (): void => {
    isAwake = true
    wakeUp?.()
  }
  const awake = async (signal: AbortSignal): Promise<void> => {
    if (!isAwake && !signal.aborted) {
      await new Promise<void>((resolve) => {
        wakeUp = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      wakeUp = undefined
    }
    isAwake = false
  }

  // Confirmations are written together: one transaction for many.
  let confirmed: number[] = []
  const writeConfirmed = (): void => {
    if (confirmed.length === 0) return
    const now = Date.now()
    db.exec('BEGIN')
    for (const id of confirmed) confirm.run(now, id)
    db.exec('COMMIT')
    confirmed = []
  }

  const relay = async (connection: Connection, signal: AbortSignal): Promise<void> => {
    let attempt = 0
    while (!signal.aborted) {
      try {
        await rewindAfterWipe(db, connection, log)
        await publishUntilFailure(connection, signal)
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

  const publishUntilFailure = async (
    { jetstream }: Connection,
    signal: AbortSignal,
  ): Promise<void> => {
    const inFlight = new Set<Promise<void>>()
    let failure: unknown
    let lastId = 0
    try {
      while (!signal.aborted && failure === undefined) {
        writeConfirmed()
        const rows = selectNext.all(lastId, inFlightLimit - inFlight.size) as unknown as OutboxRow[]
        for (const row of rows) {
          lastId = row.id
          const headers = createHeaders()
          headers.set('traceparent', row.traceparent)
          const published = jetstream
            .publish(row.subject, row.payload, {
              msgID: row.message_id,
              headers,
              timeout: confirmTimeoutMs,
            })
            .then(
              () => void confirmed.push(row.id),
              (error: unknown) => {
                failure ??= error
              },
            )
            .finally(() => {
              inFlight.delete(published)
              if (inFlight.size === 0 || inFlight.size === inFlightLimit / 2 || failure) wake()
            })
          inFlight.add(published)
        }
        if (rows.length === 0 || inFlight.size >= inFlightLimit) await awake(signal)
      }
    } finally {
      if (!signal.aborted) await Promise.all(inFlight)
      writeConfirmed()
    }
    if (failure !== undefined) throw failure
  }

  const unconfirmed = (): number => Number(countUnconfirmed.get()?.count ?? 0)

  const worker = bus.onConnected(relay)
  const pruning = setInterval(() => prune(db), 1000)
  pruning.unref()

  return {
    add(event, subject, payload) {
      const text = JSON.stringify(event.parse(payload))
      const size = Buffer.byteLength(text)
      if (size > maxPayloadBytes) {
        throw new Error(`${subject} has ${size} bytes, an event may have ${maxPayloadBytes}`)
      }
      insert.run(streamOf(subject), subject, event.identify(payload), createTraceparent(), text)
    },
    wake,
    unconfirmed,
    async [Symbol.asyncDispose]() {
      clearInterval(pruning)
      await settle(unconfirmed, bus, wake)
      await worker[Symbol.asyncDispose]()
      writeConfirmed()
    },
  }
}

/** Gives the relay a moment to deliver the last events; what it cannot, the next start does. */
async function settle(unconfirmed: () => number, bus: Bus, wake: () => void): Promise<void> {
  const deadline = performance.now() + 1000
  while (bus.isConnected && performance.now() < deadline) {
    wake()
    if (unconfirmed() === 0) return
    await wait(10)
  }
}

/** A stream that was created anew has lost what it had confirmed: that is told again. */
async function rewindAfterWipe(db: DatabaseSync, { nats }: Connection, log: Logger): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const known = db.prepare('SELECT created_at FROM stream_incarnation WHERE stream = ?')
  for (const { name } of streams) {
    let createdAt: string
    try {
      createdAt = (await manager.streams.info(name)).created
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10059) {
        throw new Error(`stream ${name} does not exist: run \`corroport streams apply\``, {
          cause: error,
        })
      }
      throw error
    }
    const before = known.get(name)?.created_at
    if (before === createdAt) continue
    db.exec('BEGIN')
    const told =
      before === undefined
        ? 0
        : db
            .prepare(
              'UPDATE outbox SET confirmed_at = NULL WHERE stream = ? AND confirmed_at IS NOT NULL',
            )
            .run(name).changes
    db.prepare('INSERT OR REPLACE INTO stream_incarnation VALUES (?, ?)').run(name, createdAt)
    db.exec('COMMIT')
    if (told) log.warn({ stream: name, events: Number(told) }, 'stream was wiped, telling again')
  }
}

// A little at a time: a large delete would hold up the events of this moment.
function prune(db: DatabaseSync): void {
  db.prepare(
    `DELETE FROM outbox WHERE id IN (
       SELECT id FROM outbox
       WHERE confirmed_at IS NOT NULL
         AND (confirmed_at < ? OR id <= (SELECT max(id) FROM outbox) - ?)
       ORDER BY confirmed_at LIMIT 2000)`,
  ).run(Date.now() - keepConfirmedMs, keepConfirmed)
}

function streamOf(subject: string): string {
  for (const { name, subjects } of streams) {
    if (subjects.some((filter) => subject.startsWith(filter.slice(0, -1)))) return name
  }
  throw new Error(`no stream stores ${subject}`)
}
