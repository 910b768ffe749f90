import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'

import { fromNtp64, type HybridClock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Changeset, Store } from '../store/store.ts'
import type { LagHistogram } from './lag.ts'
import type { Once } from './once.ts'

/** Where a changeset came from: the agent that sent it, pushed or asked for. */
export interface Source {
  from: string
  via: 'push' | 'sync'
}

export interface ApplyQueueOptions {
  store: Store
  clock: HybridClock
  lag: LagHistogram
  once: Once
  log: Log
  waitMs: number
  /** They are new here, committed, and not old. */
  passOn: (changesets: readonly Changeset[], sender: (changeset: Changeset) => string) => void
  /** The queue is too long to take more, or no longer so. */
  pressed: (isFull: boolean) => void
}

export interface ApplyQueue {
  add(changeset: Changeset, source: Source): void
  /** Changes that wait. */
  size(): number
  /** Resolves when nothing waits. */
  idle(): Promise<void>
  close(): void
}

const batchChangesets = 100
const minBatchChanges = 500
const maxBatchChanges = 16_000
const fullAtChanges = 32_000
/** How long one transaction may keep everything else waiting. */
const transactionMs = 40
const afterErrorMs = 1_000

export function startApplyQueue(options: ApplyQueueOptions): ApplyQueue {
  const { store, clock, lag, once, log, waitMs, passOn, pressed } = options
  let waiting = new Map<string, { changeset: Changeset; source: Source }>()
  let waitingChanges = 0
  let batchChanges = minBatchChanges
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isFull = false
  let isClosed = false

  const hasWork = () => waiting.size > 0 && !isClosed
  const isBusy = () => hasWork() || running !== undefined

  function press(): void {
    const isFullNow = waitingChanges >= fullAtChanges
    if (isFullNow !== isFull) pressed((isFull = isFullNow))
  }

  function observe({ actorId, ts }: Changeset): boolean {
    if (clock.observe(ts)) return true
    if (once.isFirst(`clock ${actorId} ${Math.floor(fromNtp64(ts) / 60_000)}`)) {
      log.warn('could not update clock from actor', { actorId, ts })
    }
    return false
  }

  function takeBatch(): { changeset: Changeset; source: Source }[] {
    const batch = []
    let changes = 0
    for (const [key, item] of waiting) {
      // An empty changeset costs something too.
      changes += Math.max(1, item.changeset.changes.length)
      if (batch.length > 0 && changes > batchChanges) break
      batch.push(item)
      waiting.delete(key)
    }
    return batch
  }

  function applyBatch(): void {
    const batch = takeBatch()
    const ahead = new Set<string>()
    for (const { changeset } of batch) if (!observe(changeset)) ahead.add(keyOf(changeset))
    const startedMs = performance.now()
    const outcome = store.apply(batch.map(({ changeset }) => changeset))
    const took = performance.now() - startedMs
    const changes = batch.reduce((sum, { changeset }) => sum + weigh(changeset), 0)
    waitingChanges -= changes
    if (took > transactionMs || changes >= batchChanges) {
      const fitting = Math.round((changes * transactionMs) / Math.max(took, 1))
      const grown = Math.min(fitting, batchChanges * 2)
      batchChanges = Math.max(minBatchChanges, Math.min(maxBatchChanges, grown))
    }
    const nowMs = fromNtp64(clock.now())
    for (const changeset of outcome.applied) {
      if (!ahead.has(keyOf(changeset))) {
        lag.observe(Math.max(0, nowMs - fromNtp64(changeset.ts)) / 1000)
      }
    }
    // To the store they are gaps, so that each round of anti-entropy asks for them again.
    for (const { changeset, error } of outcome.failed) {
      if (once.isFirst(`failed ${keyOf(changeset)} ${error.message}`)) {
        log.error('a changeset cannot be applied', {
          actorId: changeset.actorId,
          version: changeset.version,
          error,
        })
      }
    }
    const pushed = new Map(
      batch
        .filter(({ source }) => source.via === 'push')
        .map(({ changeset, source }) => [keyOf(changeset), source.from]),
    )
    // What came by anti-entropy is old: the others have it, or will ask for it themselves.
    const news = outcome.applied.filter((changeset) => pushed.has(keyOf(changeset)))
    if (news.length > 0) passOn(news, (changeset) => pushed.get(keyOf(changeset)) ?? store.actorId)
  }

  async function run(): Promise<void> {
    while (hasWork()) {
      try {
        applyBatch()
      } catch (error) {
        // The disk is full, or the file is held: what was waiting stays a gap and is asked for again.
        log.error('changesets cannot be applied', { error })
        waiting = new Map()
        waitingChanges = 0
        await wait(afterErrorMs)
      }
      press()
      await nextTurn()
    }
    running = undefined
  }

  function start(): void {
    clearTimeout(timer)
    timer = undefined
    running ??= run()
  }

  return {
    add(changeset, source) {
      const { actorId, version } = changeset
      const key = keyOf(changeset)
      if (isClosed || actorId === store.actorId || waiting.has(key)) return
      if (store.isHeld(actorId, version)) return
      waiting.set(key, { changeset, source })
      waitingChanges += weigh(changeset)
      press()
      if (running !== undefined) return
      if (waiting.size >= batchChangesets) start()
      else timer ??= setTimeout(start, waitMs)
    },
    size: () => waitingChanges,
    async idle() {
      while (isBusy()) {
        start()
        await running
      }
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

function keyOf({ actorId, version }: Changeset): string {
  return `${actorId}:${version}`
}

function weigh({ changes }: Changeset): number {
  return Math.max(1, changes.length)
}
