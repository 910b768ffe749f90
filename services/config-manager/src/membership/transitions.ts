import type { StateFile } from '@corroport/bus'
import {
  createParser,
  fromTimestamp,
  memberChanged,
  nowMicroseconds,
  partitionHealed,
  partitionSuspected,
  toTimestamp,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Link } from './links.ts'

export type Plane = 'swim' | 'nats' | 'agent'

/** How a member is on one plane. `key` is what the plane knows it by: a node id, or an actor id. */
export interface Standing {
  plane: Plane
  key: string
  memberNodeId: string | null
  memberActorId: string | null
  address: string | null
  value: string
}

export const transitionsMigration = `
  CREATE TABLE standing (
    plane TEXT NOT NULL,
    member TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (plane, member)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE suspected_partition (
    member_node_id TEXT PRIMARY KEY,
    at TEXT NOT NULL
  ) STRICT;
`

/** Tells each change of another node once, also over a restart of this process. */
export interface Transitions {
  noteStandings(standings: readonly Standing[]): void
  /** Of the links of this moment; those of nodes that are no longer watched are closed untold. */
  noteLinks(links: readonly Link[]): void
}

const StoredStanding = Type.Object({
  plane: Type.String(),
  member: Type.String(),
  value: Type.String(),
})
const parseStanding = createParser('stored standing', StoredStanding)
const parseSuspected = createParser(
  'suspected partition',
  Type.Object({ member_node_id: Type.String(), at: Type.String() }),
)

export function createTransitions(nodeId: string, state: StateFile): Transitions {
  const { db } = state
  const standings = new Map(
    db
      .prepare('SELECT plane, member, value FROM standing')
      .all()
      .map(parseStanding)
      .map(({ plane, member, value }) => [`${plane} ${member}`, value]),
  )
  const suspectedAt = new Map(
    db
      .prepare('SELECT member_node_id, at FROM suspected_partition')
      .all()
      .map(parseSuspected)
      .map(({ member_node_id, at }) => [member_node_id, at]),
  )
  const keepStanding = db.prepare('INSERT OR REPLACE INTO standing VALUES (?, ?, ?)')
  const openPartition = db.prepare('INSERT INTO suspected_partition VALUES (?, ?)')
  const closePartition = db.prepare('DELETE FROM suspected_partition WHERE member_node_id = ?')

  return {
    noteStandings(current) {
      const changed = current.filter(
        ({ plane, key, value }) => standings.get(`${plane} ${key}`) !== value,
      )
      if (changed.length === 0) return
      const at = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        for (const { plane, key, value, ...member } of changed) {
          const from = standings.get(`${plane} ${key}`) ?? null
          keepStanding.run(plane, key, value)
          tell(memberChanged, { nodeId }, { nodeId, plane, ...member, from, to: value, at })
        }
      })
      for (const { plane, key, value } of changed) standings.set(`${plane} ${key}`, value)
    },

    noteLinks(links) {
      const suspected = links.filter(
        (link) => link.link === 'partitioned?' && !suspectedAt.has(link.nodeId),
      )
      const healed = links.filter((link) => link.link === 'ok' && suspectedAt.has(link.nodeId))
      const watched = new Set(links.map((link) => link.nodeId))
      const left = [...suspectedAt.keys()].filter((id) => !watched.has(id))
      if (suspected.length + healed.length + left.length === 0) return
      const now = nowMicroseconds()
      const at = toTimestamp(now)
      state.transaction((tell) => {
        for (const { nodeId: memberNodeId, ageMs } of suspected) {
          openPartition.run(memberNodeId, at)
          tell(partitionSuspected, { nodeId }, { nodeId, memberNodeId, at, silentMs: ageMs })
        }
        for (const { nodeId: memberNodeId } of healed) {
          const began = fromTimestamp(suspectedAt.get(memberNodeId) ?? at) ?? now
          const lastedMs = Math.max(0, (now - began) / 1000)
          closePartition.run(memberNodeId)
          tell(partitionHealed, { nodeId }, { nodeId, memberNodeId, at, lastedMs })
        }
        for (const memberNodeId of left) closePartition.run(memberNodeId)
      })
      for (const link of suspected) suspectedAt.set(link.nodeId, at)
      for (const memberNodeId of [...healed.map((link) => link.nodeId), ...left]) {
        suspectedAt.delete(memberNodeId)
      }
    },
  }
}
