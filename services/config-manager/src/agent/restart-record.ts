import type { StateFile, Tell } from '@corroport/bus'
import {
  createParser,
  lifecycleFailed,
  lifecycleReady,
  lifecycleRestarting,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, Type } from 'typebox'
import { ulid } from 'ulid'

export const migrations = [
  `CREATE TABLE agent_restart (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    is_held INTEGER NOT NULL DEFAULT 0,
    restart_id TEXT,
    has_failed INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  INSERT INTO agent_restart (one) VALUES (1)`,
]

const Row = Type.Object({
  is_held: Type.Integer(),
  restart_id: Type.Union([Type.String(), Type.Null()]),
  has_failed: Type.Integer(),
})
type Row = Static<typeof Row>
const parseRow = createParser('stored restart', Row)

/** The restart that is under way, kept so that a killed process leaves none without an end. */
export interface RestartRecord {
  readonly isHeld: boolean
  /** Told as restarting and not yet as ready. */
  readonly restartId: string | undefined
  /** It was told as failed; it may become ready all the same. */
  readonly hasFailed: boolean
  /** Tells the restart, unless the one under way has been told and not ended. Returns its id. */
  begin(reason: string, isHeld: boolean): string
  ready(stepsMs: Record<string, number>): void
  failed(reason: string, lastLogLines: string[]): void
  /** It is not held after all: it could not be stopped. */
  release(): void
}

export function createRestartRecord(nodeId: string, state: StateFile): RestartRecord {
  const { db } = state
  const write = db.prepare('UPDATE agent_restart SET is_held = ?, restart_id = ?, has_failed = ?')
  let row: Row = parseRow(
    db.prepare('SELECT is_held, restart_id, has_failed FROM agent_restart').get(),
  )
  const commit = (next: Row, told: (tell: Tell) => void = () => undefined): void => {
    state.transaction((tell) => {
      write.run(next.is_held, next.restart_id, next.has_failed)
      told(tell)
    })
    row = next
  }
  const event = () => {
    if (row.restart_id === null) throw new Error('unreachable: no restart is under way')
    return { nodeId, restartId: row.restart_id, at: toTimestamp(nowMicroseconds()) }
  }
  return {
    get isHeld() {
      return row.is_held === 1
    },
    get restartId() {
      return row.restart_id ?? undefined
    },
    get hasFailed() {
      return row.has_failed === 1
    },
    begin(reason, isHeld) {
      const isTold = row.restart_id !== null && row.has_failed === 0
      const restartId = isTold && row.restart_id !== null ? row.restart_id : ulid()
      const at = toTimestamp(nowMicroseconds())
      commit({ is_held: Number(isHeld), restart_id: restartId, has_failed: 0 }, (tell) => {
        if (!isTold) tell(lifecycleRestarting, { nodeId }, { nodeId, restartId, at, reason })
      })
      return restartId
    },
    ready(stepsMs) {
      const ready = { ...event(), stepsMs }
      commit({ is_held: 0, restart_id: null, has_failed: 0 }, (tell) =>
        tell(lifecycleReady, { nodeId }, ready),
      )
    },
    failed(reason, lastLogLines) {
      const failed = { ...event(), reason, lastLogLines }
      commit({ ...row, has_failed: 1 }, (tell) => tell(lifecycleFailed, { nodeId }, failed))
    },
    release() {
      commit({ ...row, is_held: 0 })
    },
  }
}
