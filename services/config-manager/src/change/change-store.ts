import type { StateFile } from '@corroport/bus'
import {
  ConfigChange,
  configApplied,
  configRejected,
  configRolledBack,
  createParser,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, Type } from 'typebox'
import { ulid } from 'ulid'

export const migrations = [
  `CREATE TABLE config_change (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     action TEXT NOT NULL,
     rollout_id TEXT,
     by TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     diff TEXT NOT NULL,
     sha256_before TEXT NOT NULL,
     sha256_after TEXT NOT NULL,
     backup TEXT,
     at TEXT NOT NULL,
     finished_at TEXT,
     bytes_before BLOB, -- both until it has ended
     bytes_after BLOB
   ) STRICT;
   CREATE INDEX config_change_rollout ON config_change (rollout_id);`,
]

const Unfinished = Type.Object({
  ...ConfigChange.properties,
  bytes_before: Type.Unsafe<Uint8Array>({}),
  bytes_after: Type.Unsafe<Uint8Array>({}),
})
/** A change that is neither done nor undone. With a reason it is being undone. */
export type Unfinished = Static<typeof Unfinished>

export type FinalState = 'applied' | 'rolled-back' | 'abandoned'

const told = {
  applied: configApplied,
  'rolled-back': configRolledBack,
  abandoned: configRejected,
} as const

const parseChange = createParser('stored change of configuration', ConfigChange)
const parseUnfinished = createParser('unfinished change of configuration', Unfinished)

export type ChangeStore = ReturnType<typeof createChangeStore>

/** The changes of this node's file as they are kept. How one ended is told as it is kept. */
export function createChangeStore(state: StateFile, nodeId: string) {
  const { db } = state
  const columns = `id, action, rollout_id, by, state, reason, diff, sha256_before, sha256_after,
    backup, at, finished_at`
  const insert = db.prepare(
    `INSERT INTO config_change VALUES (NULL, $id, $action, $rollout_id, $by, 'intended', NULL, $diff,
       $sha256_before, $sha256_after, $backup, $at, NULL, $bytes_before, $bytes_after)`,
  )
  const setWritten = db.prepare("UPDATE config_change SET state = 'written' WHERE id = ?")
  const setReason = db.prepare(
    "UPDATE config_change SET state = 'written', reason = ? WHERE id = ?",
  )
  const setFinal = db.prepare(
    `UPDATE config_change SET state = ?, reason = ?, finished_at = ?, bytes_before = NULL,
       bytes_after = NULL WHERE id = ? AND finished_at IS NULL RETURNING ${columns}`,
  )
  const selectUnfinished = db.prepare(
    `SELECT ${columns}, bytes_before, bytes_after FROM config_change
     WHERE finished_at IS NULL ORDER BY number DESC LIMIT 1`,
  )
  const selectLatest = db.prepare(
    `SELECT ${columns} FROM config_change ORDER BY number DESC LIMIT ?`,
  )
  const selectApplied = db.prepare(
    `SELECT ${columns} FROM config_change WHERE state = 'applied' ORDER BY number DESC LIMIT 1`,
  )
  // An undoing that did not come about leaves what it was to undo.
  const selectOfRollout = db.prepare(
    `SELECT ${columns} FROM config_change WHERE rollout_id = ?
       AND NOT (action = 'rollback' AND state IN ('rolled-back', 'abandoned'))
     ORDER BY number DESC LIMIT 1`,
  )
  const toChange = (row: object | undefined) => parseChange({ ...row, node_id: nodeId })
  const toUnfinished = (row: object | undefined) => parseUnfinished({ ...row, node_id: nodeId })
  return {
    /** Durable before anything is done to the file, also when the machine loses its power. */
    intend(
      wanted: Pick<
        ConfigChange,
        'action' | 'by' | 'rollout_id' | 'diff' | 'sha256_before' | 'sha256_after' | 'backup' | 'at'
      >,
      bytes: { before: Uint8Array; after: Uint8Array },
    ): Unfinished {
      const named = Object.fromEntries(
        Object.entries(wanted).map(([key, value]) => [`$${key}`, value]),
      )
      insert.run({ ...named, $id: ulid(), $bytes_before: bytes.before, $bytes_after: bytes.after })
      db.exec('PRAGMA wal_checkpoint(PASSIVE)')
      return toUnfinished(selectUnfinished.get())
    },
    written(id: string): void {
      setWritten.run(id)
    },
    /** Before the old file comes back: a process that finds it goes on undoing. */
    undo(id: string, reason: string): void {
      setReason.run(reason, id)
    },
    finish(id: string, state_: FinalState, reason: string | null): ConfigChange {
      const at = toTimestamp(nowMicroseconds())
      return state.transaction((tell) => {
        const change = toChange(setFinal.get(state_, reason, at, id))
        tell(told[state_], { nodeId }, { nodeId, at, change })
        return change
      })
    },
    unfinished(): Unfinished | undefined {
      const row = selectUnfinished.get()
      return row && toUnfinished(row)
    },
    /** Newest first. */
    latest: (count: number): ConfigChange[] => selectLatest.all(count).map(toChange),
    lastApplied(): ConfigChange | undefined {
      const row = selectApplied.get()
      return row && toChange(row)
    },
    ofRollout(rolloutId: string): ConfigChange | undefined {
      const row = selectOfRollout.get(rolloutId)
      return row && toChange(row)
    },
  }
}
