import {
  ActorId,
  createParser,
  NodeId,
  NodeState,
  nullable,
  type SwimMember,
} from '@corroport/contracts'
import type { CorrosionClient, RequestOptions } from '@corroport/corrosion-client'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { NodeRow } from './sources.ts'

const Row = Type.Tuple([NodeId, nullable(Type.String()), Type.String(), Type.String()])

/** Rows anyone with access to the database may have written: what cannot be is left out. */
export async function readNodeRows(
  agent: CorrosionClient,
  options: RequestOptions,
): Promise<NodeRow[]> {
  const { rows } = await agent.query(
    'SELECT node_id, corrosion_actor_id, region, state FROM node_configs',
    options,
  )
  return rows.flatMap((row): NodeRow[] => {
    if (!Value.Check(Row, row)) return []
    const [nodeId, actorId, region, state] = row
    return [
      {
        nodeId,
        actorId: Value.Check(ActorId, actorId) ? actorId : null,
        region: region === '' || region === 'unknown' ? null : region,
        state: Value.Check(NodeState, state) ? state : null,
      },
    ]
  })
}

const stateNames = { Alive: 'alive', Suspect: 'suspect', Down: 'down' } as const

const parseMember = createParser(
  'row of __corro_members',
  Type.Tuple([
    ActorId,
    Type.String(),
    Type.Enum(['Alive', 'Suspect', 'Down']),
    Type.Integer(),
    Type.String(),
    nullable(Type.Integer()),
  ]),
)

/** SWIM as the agent wrote it down, which it does each minute. The newest identity of each address. */
export async function readMembers(
  agent: CorrosionClient,
  options: RequestOptions,
): Promise<SwimMember[]> {
  const { rows } = await agent.query(
    `SELECT lower(hex(actor_id)), address, foca_state ->> '$.state',
       foca_state ->> '$.incarnation', CAST(foca_state ->> '$.id.ts' AS TEXT), rtt_min
     FROM __corro_members ORDER BY foca_state ->> '$.id.ts'`,
    options,
  )
  const members = rows.map(parseMember).map(
    ([actorId, address, state, incarnation, identifiedAt, rttMin]): SwimMember => ({
      actorId,
      address,
      state: stateNames[state],
      incarnation,
      identifiedAt,
      ring: null,
      rttsMs: rttMin === null ? [] : [rttMin],
      lastSyncAt: null,
    }),
  )
  return [...new Map(members.map((member) => [member.address, member])).values()]
}
