import { setTimeout as delay } from 'node:timers/promises'
import type { Bell } from './bell.ts'
import type { CorrosionClient } from './client.ts'
import { compareTable, type Difference } from './comparison.ts'
import { CorrosionBusyError, CorrosionResponseError, StreamLostError } from './errors.ts'
import type { FollowEvent, SubscriptionCursor } from './follow-event.ts'
import type { Batch, PendingReads } from './pending-reads.ts'
import { readRows } from './row-reader.ts'
import { seaHash } from './sea-hash.ts'
import type { Shadow } from './shadow.ts'
import type { Subscription } from './subscription.ts'
import type { TableReader } from './table-reader.ts'
import {
  otherText,
  readTableSchema,
  statementTexts,
  subscriptionSql,
  type TableSchema,
} from './table-schema.ts'
import type { Updates } from './updates.ts'

export interface SessionOptions {
  client: CorrosionClient
  table: string
  shadow: Shadow
  cursor?: SubscriptionCursor | undefined
  auditIntervalMs?: number | undefined
  probeIntervalMs?: number | undefined
  now?: (() => number) | undefined
  bell: Bell
  pending: PendingReads
  reader: TableReader
  say: (event: FollowEvent) => void
}

export interface SessionHooks {
  /** The table is about to be compared with the shadow. */
  comparing(): void
  live(event: Extract<FollowEvent, { state: 'live' }>): void
}

/** Both feeds of a table, opened together and lost together, and the place between two openings. */
export interface Session {
  /** Rejects when a feed is lost or the agent does not answer, or with the signal's reason. */
  run(signal: AbortSignal, hooks: SessionHooks): Promise<never>
  /** The place up to which all is given to the caller, if `finished` is. */
  cursor(finished: Batch | undefined): SubscriptionCursor | undefined
}

const defaultProbeIntervalMs = 2_000
const probeTimeoutMs = 3_000
const schemaTimeoutMs = 5_000
// A row that was just written differs from the shadow until it has been read and committed.
const auditSettleMs = 1_000
// Between two events of a snapshot; its rows come as they are read.
const snapshotSilenceMs = 10_000
const maxPending = 2_000
const readBatchSize = 200

/** The subscription is not where it was: changes may have been missed. */
class PlaceLostError extends Error {
  override name = 'PlaceLostError'
}

/** The agent holds a subscription that does not run. */
class SilentSnapshotError extends Error {
  override name = 'SilentSnapshotError'
}

export function createSession(options: SessionOptions): Session {
  const { client, table, shadow, bell, pending, reader, say } = options
  const { auditIntervalMs = 0, probeIntervalMs = defaultProbeIntervalMs } = options
  const { now = nowMicroseconds } = options
  // The last change that was received; what of it is done is in `pending`.
  let place = options.cursor && { ...options.cursor }
  let mustCompare = place === undefined
  // Which text of the statement is asked with. It changes when the agent could not begin one.
  let text = 0
  let heard = 0

  const losePlace = (reason: string) => {
    if (place === undefined) return
    place = undefined
    mustCompare = true
    pending.forgetChangeIds()
    say({ kind: 'gap', reason })
  }

  const openSubscription = async (schema: TableSchema, signal: AbortSignal) => {
    const sql = subscriptionSql(schema)
    if (place !== undefined) {
      const left = new AbortController()
      try {
        const subscription = await client.subscribe(sql, {
          id: place.subscriptionId,
          // From 0 is a snapshot, and an agent may refuse it.
          from: place.changeId === 0 ? undefined : place.changeId,
          signal: AbortSignal.any([signal, left.signal]),
        })
        // After a change of columns the subscription goes on without them.
        if (hashesOf(sql).includes(subscription.hash)) return subscription
        left.abort()
        losePlace('the columns of the table have changed')
      } catch (error) {
        if (!isPlaceRefused(error)) throw error
        losePlace(error.agentMessage)
      }
    }
    try {
      return await client.subscribe(otherText(sql, text), { signal })
    } catch (error) {
      if (isPlaceRefused(error)) text += 1
      throw error
    }
  }

  /** Resolves when the snapshot is there; rejects when nothing more of it comes. */
  const hearSnapshot = async (snapshot: Promise<void>, signal: AbortSignal): Promise<void> => {
    const taken = new AbortController()
    const watch = async (): Promise<void> => {
      for (let before = -1; before !== heard; ) {
        before = heard
        await delay(snapshotSilenceMs, undefined, {
          signal: AbortSignal.any([signal, taken.signal]),
        })
      }
      text += 1
      losePlace('its snapshot stopped coming')
      throw new SilentSnapshotError(`nothing of a snapshot came for ${snapshotSilenceMs} ms`)
    }
    const watching = watch()
    try {
      await Promise.race([snapshot, watching])
    } finally {
      taken.abort()
      await watching.catch(() => undefined) // it was told above, or is of no interest any more
    }
  }

  const hearUpdates = async ({ events }: Updates): Promise<never> => {
    for await (const { key } of events) {
      pending.addUpdate(key, now())
      reader.wake()
    }
    throw new Error('unreachable: an updates feed that completes')
  }

  const hearChanges = async (
    subscription: Subscription,
    schema: TableSchema,
    snapshotTaken: () => void,
  ): Promise<never> => {
    const keyIndexes = schema.keyColumns.map((column) => schema.columns.indexOf(column))
    try {
      for await (const event of subscription.events) {
        heard += 1
        if (event.kind === 'end-of-query') {
          // A cursor at 0 gets a snapshot again; without a change since, nothing was missed.
          if (place?.changeId !== event.changeId) mustCompare = true
          place = { subscriptionId: subscription.id, changeId: event.changeId }
          snapshotTaken()
        } else if (event.kind === 'change') {
          if (place?.changeId !== event.changeId - 1) {
            throw new PlaceLostError(`change ${event.changeId} came after ${place?.changeId}`)
          }
          place.changeId = event.changeId
          const key = keyIndexes.map((index) => event.cells[index] ?? null)
          pending.addChange(key, now(), event.changeId)
          reader.wake()
        }
      }
    } catch (error) {
      if (error instanceof PlaceLostError) losePlace(error.message)
      if (error instanceof StreamLostError && error.agentMessage !== undefined) {
        if (mustCompare) text += 1
        losePlace(error.agentMessage)
      }
      throw error
    }
    throw new Error('unreachable: a subscription that completes')
  }

  const catchUp = async (schema: TableSchema, signal: AbortSignal): Promise<number> => {
    let count = 0
    for await (const differences of compareTable(client, schema, shadow, signal)) {
      count += enqueue(differences)
      // Keys of a large table must not all wait in memory at once.
      while (pending.size > maxPending) await bell.heard(signal)
    }
    return count
  }

  const enqueue = (differences: readonly Difference[]): number => {
    const seenAt = now()
    for (const { key } of differences) pending.addCatchUp(key, seenAt)
    if (differences.length > 0) reader.wake()
    return differences.length
  }

  const goLive = async (
    schema: TableSchema,
    signal: AbortSignal,
    hooks: SessionHooks,
  ): Promise<void> => {
    const wasResumed = !mustCompare
    let caughtUpRows = 0
    if (mustCompare) {
      hooks.comparing()
      caughtUpRows = await catchUp(schema, signal)
      mustCompare = false
      // Live is when the caller has what was missed.
      while (cursor(undefined) === undefined) await bell.heard(signal)
    }
    const { subscriptionId, changeId } = requirePlace()
    hooks.live({ kind: 'state', state: 'live', subscriptionId, changeId, wasResumed, caughtUpRows })
  }

  const requirePlace = (): SubscriptionCursor => {
    if (place === undefined) throw new Error('unreachable: live without a place')
    return place
  }

  const audit = async (schema: TableSchema, signal: AbortSignal): Promise<void> => {
    const startedAt = performance.now()
    const suspects: Difference[] = []
    const comparison = compareTable(client, schema, shadow, signal)
    let page = await comparison.next()
    for (; !page.done; page = await comparison.next()) suspects.push(...page.value)
    const differing = suspects.length === 0 ? [] : await lookAgain(schema, suspects, signal)
    enqueue(differing)
    say({
      kind: 'audit',
      rowCount: page.value,
      differing: differing.map(({ keyText }) => keyText),
      durationMs: performance.now() - startedAt,
    })
  }

  /** Which of them still differ, and not because a read of them is under way. */
  const lookAgain = async (
    schema: TableSchema,
    suspects: readonly Difference[],
    signal: AbortSignal,
  ): Promise<Difference[]> => {
    await delay(auditSettleMs, undefined, { signal })
    const differing: Difference[] = []
    for (let start = 0; start < suspects.length; start += readBatchSize) {
      const keys = suspects.slice(start, start + readBatchSize).map(({ key }) => key)
      for (const { key, keyText, version, row } of await readRows(client, schema, keys, {
        signal,
      })) {
        const held = shadow.versionOf(keyText)
        const isEqual =
          row === null ? held === undefined || held.deleted : held?.version === version
        if (!isEqual && !pending.has(keyText)) differing.push({ key, keyText })
      }
    }
    return differing
  }

  const auditNowAndThen = async (schema: TableSchema, signal: AbortSignal): Promise<never> => {
    for (;;) {
      await delay(auditIntervalMs, undefined, { signal })
      await audit(schema, signal)
    }
  }

  // A stream has no heartbeat: a silent one and a hung agent look alike.
  const probe = async (signal: AbortSignal): Promise<never> => {
    for (;;) {
      await delay(probeIntervalMs, undefined, { signal })
      try {
        await client.query('SELECT 1', { signal, timeoutMs: probeTimeoutMs })
      } catch (error) {
        if (!(error instanceof CorrosionBusyError)) throw error
      }
    }
  }

  const cursor = (finished: Batch | undefined): SubscriptionCursor | undefined => {
    if (place === undefined || mustCompare) return undefined
    const changeId = pending.doneUpTo(place.changeId, finished)
    return changeId === undefined ? undefined : { subscriptionId: place.subscriptionId, changeId }
  }

  return {
    async run(outerSignal, hooks) {
      const ended = new AbortController()
      const signal = AbortSignal.any([outerSignal, ended.signal])
      const tasks: Promise<unknown>[] = []
      const { promise: failure, reject } = Promise.withResolvers<never>()
      const start = (task: Promise<unknown>) => {
        tasks.push(task)
        task.catch(reject)
      }
      try {
        start(probe(signal))
        const open = async () => {
          const schema = await readTableSchema(client, table, {
            signal,
            timeoutMs: schemaTimeoutMs,
          })
          // The updates feed first: what it may miss until it is open, the subscription tells.
          const updates = await client.updates(table, { signal })
          start(hearUpdates(updates))
          start(reader.run(schema, signal))
          const subscription = await openSubscription(schema, signal)
          const snapshot = Promise.withResolvers<void>()
          const needsSnapshot = place === undefined || place.changeId === 0
          start(hearChanges(subscription, schema, snapshot.resolve))
          if (needsSnapshot) await hearSnapshot(snapshot.promise, signal)
          await goLive(schema, signal, hooks)
          if (auditIntervalMs > 0) start(auditNowAndThen(schema, signal))
        }
        start(open())
        return await failure
      } finally {
        ended.abort()
        await Promise.allSettled(tasks)
      }
    },
    cursor,
  }
}

/** Of all texts of a statement: the place does not tell with which one it began. */
function hashesOf(sql: string): string[] {
  return Array.from({ length: statementTexts }, (_, number) => seaHash(otherText(sql, number)))
}

/** Refusals that mean the place is gone, and not that the agent is busy or wants a token. */
function isPlaceRefused(error: unknown): error is CorrosionResponseError {
  return error instanceof CorrosionResponseError && ![401, 421, 503].includes(error.status)
}

/** Microseconds since the Unix epoch. */
function nowMicroseconds(): number {
  return (performance.timeOrigin + performance.now()) * 1000
}
