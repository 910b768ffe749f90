import type { MessageSummary } from '@corroport/contracts'
import type { CorrosionClient, SqliteValue } from '@corroport/corrosion-client'

/** A place in the order of messages: newest first, by sequence and then by key. */
export interface Place {
  sequence: bigint
  pk: string
}

export interface MessageFilter {
  limit: number
  before: Place | undefined
  nodeId: string | undefined
  region: string | undefined
  sinceMs: number | undefined
  /** Itself left out. */
  untilMs: number | undefined
}

const maxPageBytes = 8 * 1024 * 1024
const timeoutMs = 2000

/** One page of node_messages as the agent has them now. It ends early rather than being huge. */
export async function listMessages(
  agent: CorrosionClient,
  filter: MessageFilter,
): Promise<{ messages: MessageSummary[]; next: string | null }> {
  const messages: MessageSummary[] = []
  let bytes = 0
  let last: Place | undefined
  const rows = agent.queryRows(selectPage(filter), { timeoutMs })
  for await (const [pk, nodeId, message, sequence, timestamp, endpoint, region] of rows) {
    if (last && (messages.length === filter.limit || bytes > maxPageBytes)) {
      return { messages, next: encodePlace(last) }
    }
    messages.push({
      pk: text(pk),
      node_id: text(nodeId),
      message: text(message),
      sequence: Number(sequence),
      timestamp: text(timestamp),
      originating_endpoint: text(endpoint),
      region: text(region),
    })
    bytes += text(message).length
    const place = typeof sequence === 'bigint' ? sequence : BigInt(Number(sequence))
    last = { sequence: place, pk: text(pk) }
  }
  return { messages, next: null }
}

function selectPage({ limit, before, nodeId, region, sinceMs, untilMs }: MessageFilter) {
  // Anyone with access can write rows; one without a place in the order would break the paging.
  const conditions = ["typeof(sequence) = 'integer'", "typeof(pk) = 'text'"]
  const parameters: (string | number | bigint)[] = []
  const where = (condition: string, ...values: (string | number | bigint)[]): void => {
    conditions.push(condition)
    parameters.push(...values)
  }
  if (before) where('(sequence, pk) < (?, ?)', before.sequence, before.pk)
  if (nodeId !== undefined) where('node_id = ?', nodeId)
  if (region !== undefined) where('region = ?', region)
  if (sinceMs !== undefined) where('sequence >= ?', sinceMs)
  if (untilMs !== undefined) where('sequence < ?', untilMs)
  parameters.push(limit + 1)
  const sql = `SELECT pk, node_id, message, sequence, timestamp, originating_endpoint, region
    FROM node_messages WHERE ${conditions.join(' AND ')}
    ORDER BY sequence DESC, pk DESC LIMIT ?`
  return [sql, parameters] as const
}

function text(value: SqliteValue | undefined): string {
  if (value instanceof Uint8Array) return value.toHex()
  return String(value ?? '')
}

function encodePlace({ sequence, pk }: Place): string {
  return Buffer.from(`${sequence}.${pk}`).toString('base64url')
}

export function decodePlace(encoded: string): Place | undefined {
  const match = /^(-?\d{1,19})\.([^]*)$/.exec(Buffer.from(encoded, 'base64url').toString())
  const [, sequence, pk] = match ?? []
  return sequence === undefined || pk === undefined ? undefined : { sequence: BigInt(sequence), pk }
}
