import type { MessageSummary, Transport } from '@corroport/contracts'
import type { Track } from './tracks.ts'

/** A message of the list: what its row says, what events told, or both. */
export interface MessageRow {
  pk: string
  nodeId: string
  /** As its row or its event has it. */
  at: string
  atMs: number
  /** Null where it is not known here: of direct messages, and of rows that were not read yet. */
  text: string | null
  sizeBytes: number | null
  region: string
  transport: Transport
  status: Track['status']
  reason: string | null
  /** Null where the events of the message are not known here. */
  acks: { received: number; expected: number } | null
}

export interface Section {
  node: string | undefined
  region: string | undefined
  /** Unix milliseconds. */
  sinceMs: number
  untilMs: number
  /** Older rows exist that were not read: what is older than the last one is left out. */
  isCut: boolean
}

/** Rows of the table and messages that events told of, each once, newest first. */
export function mergeRows(
  listed: readonly MessageSummary[],
  tracks: readonly Track[],
  section: Section,
): MessageRow[] {
  const byPk = new Map(tracks.map((track) => [track.pk, track]))
  const rows = new Map(listed.map((row) => [row.pk, ofSummary(row, byPk.get(row.pk))]))
  const last = section.isCut ? listed.at(-1) : undefined
  const oldestMs = last ? last.sequence : section.sinceMs
  for (const track of tracks) {
    const row = rows.has(track.pk) ? undefined : ofTrack(track)
    if (row && row.atMs >= oldestMs && isOf(row, section)) rows.set(row.pk, row)
  }
  return [...rows.values()]
    .filter(({ atMs }) => atMs <= section.untilMs)
    .toSorted((a, b) => b.atMs - a.atMs || (a.pk < b.pk ? 1 : -1))
}

function isOf({ nodeId, region }: MessageRow, section: Section): boolean {
  return (
    (section.node === undefined || section.node === nodeId) &&
    (section.region === undefined || section.region === region)
  )
}

function ofSummary(row: MessageSummary, track: Track | undefined): MessageRow {
  return {
    pk: row.pk,
    nodeId: row.node_id,
    at: row.timestamp,
    atMs: row.sequence,
    text: row.message,
    sizeBytes: track?.sent?.sizeBytes ?? null,
    region: row.region,
    transport: 'gossip',
    // There is a row, whatever was told of it.
    status: 'accepted',
    reason: null,
    acks: acksOf(track),
  }
}

function ofTrack(track: Track): MessageRow | undefined {
  const { pk, nodeId, transport, status, reason, sent } = track
  if (!sent) return undefined
  return {
    pk,
    nodeId,
    at: sent.sentAt,
    atMs: Date.parse(sent.sentAt),
    text: null,
    sizeBytes: sent.sizeBytes,
    region: sent.region,
    transport,
    status,
    reason,
    acks: acksOf(track),
  }
}

function acksOf(track: Track | undefined): MessageRow['acks'] {
  if (!track?.sent) return null
  return { received: track.acks, expected: track.sent.expected.length }
}
