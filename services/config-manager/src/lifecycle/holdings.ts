import { createHash } from 'node:crypto'
import {
  type NodeRowSeen,
  NodeState,
  nowMicroseconds,
  PublicKey,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient, RequestOptions } from '@corroport/corrosion-client'
import { Value } from 'typebox/value'

/** What this node's agent holds: asked by other nodes, and by this one of itself. */
export async function readHoldings(
  agent: CorrosionClient,
  asked: { nodeId: string; actorId: string | null },
  options: RequestOptions,
): Promise<NodeRowSeen> {
  const [actorId, row, clusterId, schema, held] = await Promise.all([
    agent.actorId(options),
    readRow(agent, asked.nodeId, options),
    readClusterId(agent, options),
    readSchema(agent, options),
    readHeld(agent, options),
  ])
  return {
    seen: row !== undefined && (asked.actorId === null || asked.actorId === row.actorId),
    state: row?.state ?? null,
    publicKey: row?.publicKey ?? null,
    actorId,
    clusterId,
    schema,
    held,
    clock: toTimestamp(nowMicroseconds()),
  }
}

/** Anyone with access to the database can write this row: what does not fit counts as absent. */
async function readRow(agent: CorrosionClient, nodeId: string, options: RequestOptions) {
  const { rows } = await agent.query(
    ['SELECT corrosion_actor_id, state, public_key FROM node_configs WHERE node_id = ?', [nodeId]],
    options,
  )
  if (!rows[0]) return undefined
  const [actorId, state, publicKey] = rows[0]
  return {
    actorId,
    state: Value.Check(NodeState, state) ? state : null,
    publicKey: Value.Check(PublicKey, publicKey) ? publicKey : null,
  }
}

async function readClusterId(agent: CorrosionClient, options: RequestOptions): Promise<number> {
  const { rows } = await agent.query(
    "SELECT value FROM __corro_state WHERE key = 'cluster_id'",
    options,
  )
  // Absent until it was set once, and then it is 0.
  return Number(rows[0]?.[0] ?? 0)
}

// By name: a column that was added later stands last on one node and among the others on another.
const schemaSql = `
  SELECT t.name, i.name, i.type, i."notnull", i.dflt_value, i.pk
  FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) i
  WHERE t.type = 'table'
    AND EXISTS (SELECT 1 FROM sqlite_schema s WHERE s.name = t.name || '__crsql_pks')
  ORDER BY t.name, i.name`

async function readSchema(
  agent: CorrosionClient,
  options: RequestOptions,
): Promise<Record<string, string>> {
  const { rows } = await agent.query(schemaSql, options)
  const columns = Map.groupBy(rows, ([table]) => String(table))
  return Object.fromEntries(
    [...columns].map(([table, described]) => {
      const text = JSON.stringify(described.map((column) => column.map(String)))
      return [table, createHash('sha256').update(text).digest('hex').slice(0, 16)]
    }),
  )
}

// A head alone hides what is missing below it: versions not held at all, and those held in part.
const heldSql = `
  SELECT lower(hex(v.site_id)), min(v.db_version,
    ifnull((SELECT min(g.start) - 1 FROM __corro_bookkeeping_gaps g
            WHERE g.actor_id = v.site_id), v.db_version),
    ifnull((SELECT min(p.db_version) - 1 FROM __corro_seq_bookkeeping p
            WHERE p.site_id = v.site_id), v.db_version))
  FROM crsql_db_versions v`

async function readHeld(
  agent: CorrosionClient,
  options: RequestOptions,
): Promise<Record<string, number>> {
  const { rows } = await agent.query(heldSql, options)
  return Object.fromEntries(rows.map(([actorId, version]) => [String(actorId), Number(version)]))
}
