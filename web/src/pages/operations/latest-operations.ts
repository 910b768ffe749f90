import type { Operation, StoredRecord } from '@corroport/contracts'
import { eventOf, payloadOf } from '../../live/payloads.ts'

/** Each operation as the last of its records has it, newest first. */
export function latestOperations(records: readonly StoredRecord[]): Operation[] {
  const latest = new Map<string, { version: number; operation: Operation }>()
  for (const record of records) {
    const changed = payloadOf(eventOf(record), 'operation.changed')
    if (!changed) continue
    const { version, operation } = changed
    const known = latest.get(operation.id)
    if (!known || known.version < version) latest.set(operation.id, { version, operation })
  }
  return [...latest.values()]
    .map(({ operation }) => operation)
    .toSorted((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at))
}

/** Milliseconds; of one that goes on, until now. */
export function durationOf(
  { started_at, finished_at }: { started_at: string; finished_at: string | null },
  nowMs: number,
): number {
  const end = finished_at === null ? nowMs : Date.parse(finished_at)
  return Math.max(0, end - Date.parse(started_at))
}
