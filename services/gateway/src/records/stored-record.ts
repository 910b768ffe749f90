import type { PastRecord } from '@corroport/bus'
import type { StoredRecord } from '@corroport/contracts'
import { noJson, violationOf } from '../violations.ts'

/** As pages show it: what is no JSON is its text. */
export function toStoredRecord(record: PastRecord): StoredRecord {
  const { stream, sequence, storedAt, subject } = record
  const place = { stream, sequence, stored_at: storedAt, subject }
  const text = new TextDecoder().decode(record.data)
  try {
    const payload: unknown = JSON.parse(text)
    return { ...place, violation: violationOf(subject, payload), payload }
  } catch {
    return { ...place, violation: noJson, payload: text }
  }
}
