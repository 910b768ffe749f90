import { hash } from 'node:crypto'
import { type Cell, type ChangeObserved, toCell, toTimestamp } from '@corroport/contracts'
import type { ObservedRow } from '@corroport/corrosion-client'

// Below NATS' limit of 1 MB, with room for what else is in the event and for JSON's escapes.
const maxRowBytes = 600_000
const maxKeyBytes = 16_000

/** The event that tells a row. Undefined for a key that is too large to be told at all. */
export function toChangeObserved(
  nodeId: string,
  table: string,
  observed: ObservedRow,
): ChangeObserved | undefined {
  if (observed.keyText.length > maxKeyBytes) return undefined
  const row = observed.row && mapValues(observed.row, toCell)
  const sizeBytes = row === null ? 0 : Buffer.byteLength(JSON.stringify(row))
  const isTooLarge = sizeBytes > maxRowBytes
  return {
    nodeId,
    table,
    key: observed.key.map(toCell),
    keyDigest: hash('sha256', observed.keyText, 'base64url').slice(0, 22),
    change: observed.change,
    rowVersion: observed.version,
    row: isTooLarge ? null : row,
    ...(isTooLarge ? { omittedBytes: sizeBytes } : {}),
    writes: observed.writes.map(({ siteId, dbVersion, ts }) => ({
      siteId,
      dbVersion: dbVersion.toString(),
      hlc: ts,
    })),
    via: observed.via,
    observedAt: toTimestamp(observed.seenAt),
  }
}

/** The trace that the writer of a row put into it, where its table has such a column. */
export function traceparentOf(observed: ObservedRow): string | undefined {
  const value = observed.row?.traceparent
  return typeof value === 'string' ? value : undefined
}

function mapValues<From>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => Cell,
): Record<string, Cell> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}
