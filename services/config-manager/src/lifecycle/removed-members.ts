import type { Bus, StateFile } from '@corroport/bus'
import {
  ActorId,
  memberRemoved,
  membersRemoved,
  nodeAnnounced,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { repeat } from '../repeat.ts'

const sayEveryMs = 5000
// As many as the hint holds.
const mostTold = 1000
const mostActorIds = 16

/**
 * Nodes that somebody removed. All nodes repeat to each other whom they know of, so that whoever was
 * away learns of it, too. A removed node that is heard, and has not left, is back.
 */
export interface RemovedMembers extends AsyncDisposable {
  has(nodeId: string): boolean
  /** With the actor ids of its databases. */
  add(nodeId: string, actorIds: readonly string[], by: string): void
}

export const migrations = [
  `CREATE TABLE removed_member (
    node_id TEXT PRIMARY KEY, actor_ids TEXT NOT NULL, removed_at TEXT NOT NULL
  ) STRICT`,
]

export interface RemovedMembersDeps {
  nodeId: string
  state: StateFile
  bus: Bus
  directory: Directory
  log: Logger
}

export function startRemovedMembers(deps: RemovedMembersDeps): RemovedMembers {
  const { nodeId, state, bus, directory, log } = deps
  const stored = state.db.prepare('SELECT node_id, actor_ids FROM removed_member').all()
  const removed = new Map<string, readonly string[]>(
    stored.map((row) => [String(row.node_id), parseActorIds(String(row.actor_ids))]),
  )

  const remember = (member: string, actorIds: readonly string[], at: string): void => {
    state.db
      .prepare('INSERT OR REPLACE INTO removed_member VALUES (?, ?, ?)')
      .run(member, JSON.stringify(actorIds), at)
  }
  const forget = (member: string, actorIds: readonly string[]): void => {
    removed.set(member, actorIds)
    directory.forget(member)
  }
  const isBack = (member: string): boolean =>
    member === nodeId ||
    (directory.presence(member) === 'present' &&
      directory.get(member)?.announcement.state !== 'left')

  const say = (): void => {
    if (removed.size === 0) return
    const members = [...removed].slice(0, mostTold)
    bus.hint(
      membersRemoved,
      { nodeId },
      {
        nodeId,
        removed: members.map(([id, actorIds]) => ({ nodeId: id, actorIds: [...actorIds] })),
      },
    )
  }
  const hearing = bus.hear(membersRemoved, (heard) => {
    for (const { nodeId: member, actorIds } of heard.removed) {
      if (removed.has(member) || isBack(member)) continue
      remember(member, actorIds, toTimestamp(nowMicroseconds()))
      forget(member, actorIds)
      log.info({ memberNodeId: member, removedBy: heard.nodeId }, 'member was removed')
    }
  })
  const watching = bus.hear(nodeAnnounced, (announcement) => {
    const member = announcement.nodeId
    if (announcement.state === 'left' || !removed.has(member)) return
    state.db.prepare('DELETE FROM removed_member WHERE node_id = ?').run(member)
    removed.delete(member)
    log.info({ memberNodeId: member }, 'removed member is back')
  })
  const saying = repeat(sayEveryMs, log, async () => say())

  return {
    has: (member) => removed.has(member),

    add(member, known, by) {
      const actorIds = known.slice(0, mostActorIds)
      const at = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        remember(member, actorIds, at)
        tell(memberRemoved, { nodeId }, { nodeId, memberNodeId: member, by, at })
      })
      forget(member, actorIds)
      log.info({ memberNodeId: member, by }, 'member removed')
      say()
    },

    async [Symbol.asyncDispose]() {
      await Promise.all([
        hearing[Symbol.asyncDispose](),
        watching[Symbol.asyncDispose](),
        saying[Symbol.asyncDispose](),
      ])
    },
  }
}

function parseActorIds(text: string): string[] {
  return Value.Parse(Type.Array(ActorId), JSON.parse(text))
}
