import type { StateFile } from '@corroport/bus'
import {
  createParser,
  NodeState,
  nodeStateChanged,
  nowMicroseconds,
  Timestamp,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import { Type } from 'typebox'

/** Where this node is in its life. Kept in the state file, told as `member.moved`. */
export interface OwnState {
  readonly current: { state: NodeState; since: string }
  move(to: NodeState, reason: string): void
}

export const migrations = [
  `CREATE TABLE node_state (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     state TEXT NOT NULL,
     since TEXT NOT NULL
   ) STRICT`,
]

const parseStored = createParser(
  'the stored state',
  Type.Object({ state: NodeState, since: Timestamp }),
)

/** A node that was never here is `joining`. */
export function createOwnState(deps: { nodeId: string; state: StateFile; log: Logger }): OwnState {
  const { nodeId, state, log } = deps
  const stored = state.db.prepare('SELECT state, since FROM node_state').get()

  const enter = (from: NodeState | null, to: NodeState, reason: string): OwnState['current'] => {
    const at = toTimestamp(nowMicroseconds())
    state.transaction((tell) => {
      state.db.prepare('INSERT OR REPLACE INTO node_state VALUES (1, ?, ?)').run(to, at)
      tell(nodeStateChanged, { nodeId }, { nodeId, from, to, reason, at })
    })
    log.info({ from, to, reason }, 'node moved')
    return { state: to, since: at }
  }

  let current = stored ? parseStored(stored) : enter(null, 'joining', 'first start')
  return {
    get current() {
      return current
    },
    move: (to, reason) => {
      if (to !== current.state) current = enter(current.state, to, reason)
    },
  }
}
