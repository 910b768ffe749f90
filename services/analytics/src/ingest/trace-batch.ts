import { isRecording, isSampled, type Span, startSpan } from '@corroport/bus'
import type { ReadRecord } from './store-batch.ts'

// As many as OpenTelemetry keeps of one span.
const mostLinks = 128
// At hundreds of messages a second nearly every batch holds a traced record. Its ten statements, each
// time, would be most of what is recorded.
const batchesPerSecond = 5
const batchesAtOnce = 40

let batchesLeft = batchesAtOnce
let refilledAt = 0

/**
 * Stores a batch, of which each traced record has its share: a span in its own trace. That of the batch,
 * with all statements, is a part of the first of these traces, and they are linked. Of many batches in
 * a second only some are recorded so.
 */
export async function traceBatch<T>(
  stream: string,
  batch: readonly ReadRecord[],
  store: () => Promise<T>,
): Promise<T> {
  if (!isRecording()) return await store()
  const traced = batch.filter(({ record }) => isSampled(record.traceparent))
  if (traced.length === 0) return await store()

  const whole = takeTurn() ? startWhole(stream, batch.length, traced) : undefined
  const shares = traced.flatMap((each) => startShare(each, whole) ?? [])
  let failure: unknown
  try {
    return await (whole ? whole.run(store) : store())
  } catch (error) {
    failure = error
    throw error
  } finally {
    for (const span of shares) span.end(failure)
    whole?.end(failure)
  }
}

function takeTurn(): boolean {
  const now = performance.now()
  const more = ((now - refilledAt) / 1000) * batchesPerSecond
  refilledAt = now
  batchesLeft = Math.min(batchesAtOnce, batchesLeft + more)
  if (batchesLeft < 1) return false
  batchesLeft -= 1
  return true
}

function startWhole(
  stream: string,
  records: number,
  [first, ...others]: readonly ReadRecord[],
): Span | undefined {
  return startSpan({
    service: 'analytics',
    name: `store batch of ${stream}`,
    kind: 'consumer',
    parent: first?.record.traceparent,
    links: others.slice(0, mostLinks).flatMap(({ record }) => record.traceparent ?? []),
    attributes: { 'messaging.batch.message_count': records },
  })
}

function startShare({ record, row }: ReadRecord, whole: Span | undefined): Span | undefined {
  const table = row?.table ?? 'refused'
  return startSpan({
    service: 'analytics',
    name: `INSERT ${table}`,
    kind: 'client',
    parent: record.traceparent,
    links: whole ? [whole.traceparent] : [],
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.collection.name': table,
    },
  })
}
