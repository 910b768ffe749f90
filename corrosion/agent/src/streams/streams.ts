import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../error-message.ts'
import type { Log } from '../log.ts'
import type { Change } from '../store/change.ts'
import type { Statement } from '../store/statement.ts'
import type { Commit, Store } from '../store/store.ts'
import { toUuid } from '../uuid.ts'
import { columnsLine, errorLine } from './event-lines.ts'
import { expandStatement, type FollowedQuery, readFollowedQuery } from './followed-query.ts'
import { type LineStream, StreamRefusedError, type SubscribeOptions } from './line-stream.ts'
import { MaterializedQuery, openFollowing } from './materialized-query.ts'
import { seaHash } from './sea-hash.ts'
import { Subscription } from './subscription.ts'
import { UpdateNotifier } from './update-notifier.ts'

export interface Streams {
  /** This and the next two throw `StreamRefusedError`. */
  subscribe(statement: Statement, options: SubscribeOptions): LineStream
  resume(id: string, options: SubscribeOptions): LineStream
  updates(table: string, options: { signal: AbortSignal }): LineStream
  list(): { hash: string; id: string; sql: string; msPerSecondCost: number }[]
  /** What `corrosion subs info` shows. */
  info(query: { hash?: string; id?: string }): SubscriptionInfo | undefined
  /** Ends all streams. What was subscribed to can be resumed when they are opened again. */
  close(): void
}

export interface SubscriptionInfo {
  hash: string
  id: string
  last_change_id: number
  ms_per_sec_cost: number
  original_query: string
  path: string
  statements: Record<string, string>[]
}

export interface StreamTiming {
  flushMs: number
  /** A subscription without readers is removed. */
  idleMs: number
  purgeMs: number
  /** A notifier without listeners is removed. */
  unheardMs: number
}

export interface StreamsOptions {
  store: Store
  /** Each subscription has a folder in it. */
  folder: string
  log: Log
  timing?: Partial<StreamTiming>
}

const usualTiming: StreamTiming = {
  flushMs: 600,
  idleMs: 600_000,
  purgeMs: 300_000,
  unheardMs: 30_000,
}

export function openStreams({ store, folder, log, timing }: StreamsOptions): Streams {
  const times = { ...usualTiming, ...timing }
  const analysis = openFollowing(store)
  const subscriptions = new Map<string, Subscription>()
  const bySql = new Map<string, Subscription>()
  const notifiers = new Map<string, UpdateNotifier>()
  // A real agent keeps what a `from` without a subscription has begun, and finds it lacking later.
  const halfMade = new Set<string>()
  let isOpen = true

  const add = (id: string, query: FollowedQuery, rows: MaterializedQuery): Subscription => {
    const subscription = new Subscription({
      id,
      folder: folderOf(folder, id),
      query,
      rows,
      timing: times,
      log,
      onRemoved() {
        subscriptions.delete(id)
        bySql.delete(query.sql)
      },
    })
    subscriptions.set(id, subscription)
    bySql.set(query.sql, subscription)
    return subscription
  }

  const restore = (id: string): void => {
    const itsFolder = folderOf(folder, id)
    try {
      const sql = MaterializedQuery.leftIn(itsFolder)
      if (sql === undefined) throw new Error('it was not ended gracefully')
      const query = readFollowedQuery(analysis, sql, store.tables)
      const place = { folder: itsFolder, store, query }
      add(id, query, MaterializedQuery.restore(place))
    } catch (error) {
      log.warn('subscription cannot be restored and is removed', { id, error })
      rmSync(itsFolder, { recursive: true, force: true })
    }
  }

  const tell = ({ changesets }: Commit): void => {
    for (const { changes } of changesets) {
      if (notifiers.size > 0) {
        for (const [table, itsChanges] of byTable(changes)) notifiers.get(table)?.touch(itsChanges)
      }
      for (const subscription of subscriptions.values()) {
        for (const change of changes) {
          if (change.table === subscription.query.table) subscription.touch(change)
        }
      }
    }
  }

  const requireOpen = (): void => {
    if (!isOpen) throw new StreamRefusedError(500, 'the agent is ending')
  }

  mkdirSync(folder, { recursive: true })
  for (const id of readdirSync(folder).map(idOf)) if (id !== undefined) restore(id)
  const stopListening = store.onCommit(tell)

  return {
    subscribe(statement, options) {
      requireOpen()
      const sql = expandStatement(analysis, statement)
      const known = bySql.get(sql)
      if (known) return known.stream(options)
      if (halfMade.has(sql)) {
        throw new StreamRefusedError(500, 'found a subscription, but missing broadcaster')
      }
      const query = readFollowedQuery(analysis, sql, store.tables)
      if (options.from !== undefined) {
        halfMade.add(sql)
        throw new StreamRefusedError(
          400,
          'a `from` query param was supplied, but no existing subscription found',
        )
      }
      const id = randomUUID()
      try {
        const place = { folder: folderOf(folder, id), store, query }
        return add(id, query, MaterializedQuery.create(place)).stream(options)
      } catch (error) {
        log.warn('the query of a subscription fails', { id, error })
        return failedStream(id, query, error)
      }
    },

    resume(id, options) {
      requireOpen()
      const subscription = subscriptions.get(id)
      if (subscription) return subscription.stream(options)
      throw new StreamRefusedError(404, `could not find subscription with id ${id}`)
    },

    updates(table, { signal }) {
      requireOpen()
      if (!store.tables.has(table)) {
        throw new StreamRefusedError(400, `table not found in schema: ${table}`)
      }
      const known = notifiers.get(table)
      if (known) return known.stream(signal)
      const notifier = new UpdateNotifier({
        id: randomUUID(),
        table,
        timing: times,
        log,
        onRemoved: () => notifiers.delete(table),
      })
      notifiers.set(table, notifier)
      return notifier.stream(signal)
    },

    list() {
      return [...subscriptions.values()].map(({ hash, id, query, msPerSecondCost }) => ({
        hash,
        id,
        sql: query.sql,
        msPerSecondCost,
      }))
    },

    info({ hash, id }) {
      const found = [...subscriptions.values()].find(
        (subscription) => subscription.id === id || subscription.hash === hash,
      )
      return (
        found && {
          hash: found.hash,
          id: found.id,
          last_change_id: found.lastChangeId,
          ms_per_sec_cost: found.msPerSecondCost,
          original_query: found.query.sql,
          path: found.folder,
          statements: [{ [found.query.table]: found.query.selectTouched }],
        }
      )
    },

    close() {
      if (!isOpen) return
      isOpen = false
      stopListening()
      for (const notifier of notifiers.values()) notifier.remove()
      for (const subscription of subscriptions.values()) subscription.complete()
      analysis.close()
    },
  }
}

/** The stream of a query that SQLite gives up on. */
function failedStream(id: string, { sql, columnNames }: FollowedQuery, error: unknown): LineStream {
  const message = messageOf(error)
  const lines = async function* (): AsyncGenerator<string> {
    yield columnsLine(columnNames) + errorLine(message)
  }
  return { id, hash: seaHash(sql), lines: lines() }
}

function byTable(changes: readonly Change[]): Map<string, Change[]> {
  return Map.groupBy(changes, ({ table }) => table)
}

function folderOf(folder: string, id: string): string {
  return join(folder, id.replaceAll('-', ''))
}

function idOf(folderName: string): string | undefined {
  return /^[\da-f]{32}$/.test(folderName) ? toUuid(folderName) : undefined
}
