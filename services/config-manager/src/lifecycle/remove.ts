import { RefusalError } from '@corroport/bus'
import { ActorId, type Operation } from '@corroport/contracts'
import { type CorrosionClient, quoteIdentifier } from '@corroport/corrosion-client'
import type { Directory } from '@corroport/identity'
import { Value } from 'typebox/value'
import type { Operations } from '../operations.ts'
import type { OwnState } from './node-state.ts'
import type { RemovedMembers } from './removed-members.ts'

export interface RemoveDeps {
  nodeId: string
  own: OwnState
  agent: CorrosionClient
  removed: RemovedMembers
  operations: Operations
  directory: Directory
  declared: () => readonly string[]
}

const lostForGoodMs = 3_600_000
/** Replicated tables with a row for each node. */
const tables = ['node_configs', 'node_canaries'] as const

/** Throws `RefusalError`, with nothing changed, when that node is still one of the cluster. */
export async function remove(
  wish: { by: string; memberNodeId: string; force: boolean },
  deps: RemoveDeps,
): Promise<Operation> {
  const { agent, operations, removed } = deps
  const { memberNodeId } = wish
  operations.requireIdle()
  const row = await requireRemovable(wish, deps)
  const known = deps.directory.get(memberNodeId)?.actorIds ?? []
  const actorIds = [...new Set([...known, ...(row?.actorId ? [row.actorId] : [])])]
  const { operation } = operations.begin('remove', wish.by, async (steps) => {
    await steps.run('rows', async (detail) => {
      const present = await tablesAmong(agent)
      const { results } = await agent.transact(
        present.map((table) => [
          `DELETE FROM ${quoteIdentifier(table)} WHERE node_id = ?`,
          [memberNodeId],
        ]),
      )
      detail(
        present.map((table, index) => `${table}: ${results[index]?.rowsAffected ?? 0}`).join(', '),
      )
    })
    await steps.run('forgotten', async () => removed.add(memberNodeId, actorIds, wish.by))
  })
  return operation
}

async function requireRemovable(
  { memberNodeId, force }: { memberNodeId: string; force: boolean },
  { nodeId, own, agent, directory, declared }: RemoveDeps,
): Promise<Row | undefined> {
  if (memberNodeId === nodeId) {
    throw new RefusalError(
      'conflict',
      'a node does not remove itself: let it leave, then ask another',
    )
  }
  if (own.current.state !== 'active') {
    throw new RefusalError('conflict', `this node is ${own.current.state}: ask an active one`)
  }
  const row = await readRow(agent, memberNodeId)
  const known = directory.get(memberNodeId)
  const presence = directory.presence(memberNodeId)
  if (!known && !row && !declared().includes(memberNodeId)) {
    throw new RefusalError('not-found', `there is no node ${memberNodeId}`)
  }
  // What a node says of itself now goes before the row, which may be older.
  const state =
    presence === 'present' ? known?.announcement.state : (row?.state ?? known?.announcement.state)
  if (presence === 'present' && state === 'active') {
    throw new RefusalError('conflict', `${memberNodeId} is present and active: let it leave first`)
  }
  const isLostForGood = presence === 'lost' && (known?.ageMs() ?? 0) > lostForGoodMs
  if (state === 'left' || isLostForGood || force) return row
  throw new RefusalError(
    'conflict',
    `${memberNodeId} has not left (it is ${state ?? 'unknown'} and ${presence}): let it leave, wait until it is lost for an hour, or force it`,
  )
}

interface Row {
  state: string
  actorId: string | undefined
}

async function readRow(agent: CorrosionClient, nodeId: string): Promise<Row | undefined> {
  const { rows } = await agent.query([
    'SELECT state, corrosion_actor_id FROM node_configs WHERE node_id = ?',
    [nodeId],
  ])
  const [row] = rows
  if (!row) return undefined
  const [state, actorId] = row
  return { state: String(state), actorId: Value.Check(ActorId, actorId) ? actorId : undefined }
}

/** A schema without canaries is a cluster without them. */
async function tablesAmong(agent: CorrosionClient): Promise<string[]> {
  const { rows } = await agent.query("SELECT name FROM sqlite_schema WHERE type = 'table'")
  const names = new Set(rows.map(([name]) => name))
  return tables.filter((table) => names.has(table))
}
