import type { StateFile } from '@corroport/bus'
import { type NodeState, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient, RequestOptions } from '@corroport/corrosion-client'
import type { Logger } from 'pino'

/** This node's row in the replicated table `node_configs`. Nobody else writes it. */
export interface NodeRow {
  /** Writes it, unless it says the same already. `state`: where the node is, or is about to be. */
  keep(state: { state: NodeState; since: string }, options: RequestOptions): Promise<void>
  /** This node wrote it once, so that its id is its own. */
  readonly wasWritten: boolean
  /** Why it is not written: somebody else uses this node's id. */
  readonly problem: string | undefined
}

export interface NodeRowDeps {
  nodeId: string
  region: string
  ackEndpoint: string
  publicKey: string
  agent: CorrosionClient
  state: StateFile
  log: Logger
  /** Of the agent's file; undefined when it cannot be read: then the row keeps what it says. */
  bootstrap: () => readonly string[] | undefined
  /** The public keys that other nodes' agents have in this node's row. */
  keysElsewhere: () => Promise<readonly string[]>
}

export const migrations = [
  `CREATE TABLE own_row (one INTEGER PRIMARY KEY CHECK (one = 1), written_at TEXT NOT NULL) STRICT`,
]

export function createNodeRow(deps: NodeRowDeps): NodeRow {
  const { nodeId, region, ackEndpoint, publicKey, agent, state, log } = deps
  let wasWritten = state.db.prepare('SELECT 1 FROM own_row').get() !== undefined
  let problem: string | undefined

  /** Only before the first write: afterwards the id is this node's, whatever the row says. */
  const keyInUse = async (rowKey: unknown): Promise<boolean> => {
    const keys = [rowKey, ...(await deps.keysElsewhere())]
    return keys.some((key) => typeof key === 'string' && key !== '' && key !== publicKey)
  }

  return {
    get wasWritten() {
      return wasWritten
    },
    get problem() {
      return problem
    },

    async keep(own, options) {
      const [actorId, { rows }] = await Promise.all([
        agent.actorId(options),
        agent.query([`SELECT ${columns} FROM node_configs WHERE node_id = ?`, [nodeId]], options),
      ])
      const row = rows[0]
      if (!wasWritten && (await keyInUse(row?.[3]))) {
        if (problem === undefined) log.error('node id is in use by another node, row not written')
        problem = `the id ${nodeId} is in use by a node with another key: take another one, or have that one removed`
        return
      }
      problem = undefined
      const bootstrap = deps.bootstrap()
      const hosts = bootstrap ? JSON.stringify(bootstrap) : (row?.[5] ?? '[]')
      const wanted = [actorId, region, ackEndpoint, publicKey, own.state, hosts, own.since]
      if (row && wanted.every((value, index) => value === row[index])) return

      const now = toTimestamp(nowMicroseconds())
      await agent.transact([[upsert, [nodeId, ...wanted, now, nodeId]]], options)
      log.info({ actorId, state: own.state }, 'node row written')
      if (wasWritten) return
      state.db.prepare('INSERT OR REPLACE INTO own_row VALUES (1, ?)').run(now)
      wasWritten = true
    },
  }
}

const columns =
  'corrosion_actor_id, region, ack_endpoint, public_key, state, bootstrap_hosts, state_at'

// Never REPLACE: it deletes the row first, and so beats whatever is written at the same time.
const upsert = `
  INSERT INTO node_configs (node_id, ${columns}, updated_at, updated_by)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (node_id) DO UPDATE SET corrosion_actor_id = excluded.corrosion_actor_id,
    region = excluded.region, ack_endpoint = excluded.ack_endpoint,
    public_key = excluded.public_key, state = excluded.state,
    bootstrap_hosts = excluded.bootstrap_hosts, state_at = excluded.state_at,
    updated_at = excluded.updated_at, updated_by = excluded.updated_by`
