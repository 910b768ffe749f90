import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient, Statement } from '@corroport/corrosion-client'

/** What a node says of itself in the replicated table `node_configs`. */
export interface NodeRow {
  nodeId: string
  actorId: string
  region: string
  ackEndpoint: string
  publicKey: string
}

/** Writes this node's row, unless it says the same already. Returns whether it was written. */
export async function keepNodeRow(
  client: CorrosionClient,
  row: NodeRow,
  signal: AbortSignal,
): Promise<boolean> {
  const { rows } = await client.query(
    [
      `SELECT 1 FROM node_configs WHERE node_id = ? AND corrosion_actor_id = ? AND region = ?
         AND ack_endpoint = ? AND public_key = ?`,
      [row.nodeId, row.actorId, row.region, row.ackEndpoint, row.publicKey],
    ],
    { signal },
  )
  if (rows.length > 0) return false
  await client.transact([upsert(row, toTimestamp(nowMicroseconds()))], { signal })
  return true
}

// Never REPLACE: it deletes the row first, and with it the columns that others rely on.
function upsert(row: NodeRow, now: string): Statement {
  return [
    `INSERT INTO node_configs
       (node_id, corrosion_actor_id, region, ack_endpoint, public_key, state_at, updated_at, updated_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (node_id) DO UPDATE SET corrosion_actor_id = excluded.corrosion_actor_id,
       region = excluded.region, ack_endpoint = excluded.ack_endpoint,
       public_key = excluded.public_key, updated_at = excluded.updated_at,
       updated_by = excluded.updated_by`,
    [row.nodeId, row.actorId, row.region, row.ackEndpoint, row.publicKey, now, now, row.nodeId],
  ]
}
