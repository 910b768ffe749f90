import type { Bell } from './bell.ts'
import type { CorrosionClient } from './client.ts'
import type { Batch, PendingReads } from './pending-reads.ts'
import { type RowState, readRows } from './row-reader.ts'
import type { TableSchema } from './table-schema.ts'

export interface ReadBatch {
  batch: Batch
  /** In the order of the batch's sightings. */
  states: RowState[]
}

/**
 * Reads pending keys in batches: at most two at once, of which one is kept for the updates feed, so
 * that a key from there is asked for in the tick in which it came.
 */
export interface TableReader {
  /** Reads until the signal is aborted. Rejects when a read fails; its batch is read again later. */
  run(schema: TableSchema, signal: AbortSignal): Promise<never>
  /** Reads what is pending now, at the end of this tick. */
  wake(): void
  /** The next batch that was read. It stays unreleased, so its keys are not read again meanwhile. */
  next(): ReadBatch | undefined
}

const batchSize = 200
const maxReads = 2
// What the caller has not asked for yet. Beyond it, keys wait where the same ones collapse.
const maxReady = 2
const readTimeoutMs = 10_000
// A key that comes alone is read at once. Those that follow it closely are read together: a read
// costs the agent and this process a connection each, whatever the number of its keys. The more of
// them come, the longer they are gathered.
const gatherMs = 8
const mostGathered = 4

export function createTableReader(
  client: CorrosionClient,
  pending: PendingReads,
  bell: Bell,
): TableReader {
  const ready: ReadBatch[] = []
  const failed: Batch[] = []
  let pump: (() => void) | undefined
  let isScheduled = false

  const wake = () => {
    if (isScheduled) return
    isScheduled = true
    // After the other lines of the same chunk, before any input or output.
    process.nextTick(() => {
      isScheduled = false
      pump?.()
    })
  }

  return {
    async run(schema, signal) {
      const { promise: failure, reject } = Promise.withResolvers<never>()
      const reads = new Set<Promise<void>>()
      let updateReads = 0
      let nextUpdateReadAt = -Infinity
      let gathering: NodeJS.Timeout | undefined

      const read = async (batch: Batch) => {
        try {
          const keys = batch.sightings.map(({ key }) => key)
          const options = { signal, timeoutMs: readTimeoutMs }
          ready.push({ batch, states: await readRows(client, schema, keys, options) })
          bell.ring()
        } catch (error) {
          failed.push(batch)
          reject(error)
        }
      }
      const start = (batch: Batch | undefined, isOfUpdates: boolean) => {
        if (batch === undefined) return
        if (isOfUpdates) {
          updateReads++
          nextUpdateReadAt =
            performance.now() + gatherMs * Math.min(mostGathered, batch.sightings.length)
        }
        const done = read(batch).finally(() => {
          reads.delete(done)
          if (isOfUpdates) updateReads--
          pump?.()
        })
        reads.add(done)
      }

      const startUpdates = () => {
        const earlyMs = nextUpdateReadAt - performance.now()
        if (earlyMs <= 0) start(pending.take('updates', batchSize), true)
        else if (gathering === undefined && pending.size > 0)
          gathering = setTimeout(gathered, earlyMs)
      }
      const gathered = () => {
        gathering = undefined
        pump?.()
      }

      const stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop)
      pump = () => {
        if (signal.aborted || ready.length >= maxReady) return
        if (reads.size < maxReads && failed.length > 0) start(failed.shift(), false)
        if (reads.size < maxReads && updateReads === 0) startUpdates()
        if (reads.size >= maxReads) return
        const others = pending.take('others', batchSize)
        if (others !== undefined) start(others, false)
        else startUpdates()
      }
      try {
        signal.throwIfAborted()
        pump()
        return await failure
      } finally {
        pump = undefined
        clearTimeout(gathering)
        signal.removeEventListener('abort', stop)
        await Promise.all(reads)
      }
    },
    wake,
    next() {
      const first = ready.shift()
      if (first !== undefined) wake()
      return first
    },
  }
}
