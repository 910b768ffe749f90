import type { Bus, StateFile } from '@corroport/bus'
import {
  memberRemoved,
  membersRemoved,
  nodeAnnounced,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import { repeat } from '../repeat.ts'

const sayEveryMs = 5000

/**
 * Nodes that somebody removed. All nodes repeat to each other whom they know of, so that whoever was
 * away learns of it, too. A removed node that is heard, and has not left, is back.
 */
export interface RemovedMembers extends AsyncDisposable {
  has(nodeId: string): boolean
  add(nodeId: string, by: string): void
}

export const migrations = [
  'CREATE TABLE removed_member (node_id TEXT PRIMARY KEY, removed_at TEXT NOT NULL) STRICT',
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
  const stored = state.db.prepare('SELECT node_id FROM removed_member').all()
  const removed = new Set(stored.map((row) => String(row.node_id)))

  const remember = (member: string, at: string): void => {
    state.db.prepare('INSERT OR REPLACE INTO removed_member VALUES (?, ?)').run(member, at)
  }
  const forget = (member: string): void => {
    removed.add(member)
    directory.forget(member)
  }
  const isBack = (member: string): boolean =>
    member === nodeId ||
    (directory.presence(member) === 'present' &&
      directory.get(member)?.announcement.state !== 'left')

  const say = (): void => {
    if (removed.size === 0) return
    bus.hint(membersRemoved, { nodeId }, { nodeId, removed: [...removed].slice(0, 1000) })
  }
  const hearing = bus.hear(membersRemoved, (heard) => {
    for (const member of heard.removed) {
      if (removed.has(member) || isBack(member)) continue
      remember(member, toTimestamp(nowMicroseconds()))
      forget(member)
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

    add(member, by) {
      const at = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        remember(member, at)
        tell(memberRemoved, { nodeId }, { nodeId, memberNodeId: member, by, at })
      })
      forget(member)
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
