import type { StateFile } from '@corroport/bus'
import {
  createParser,
  messagesSkipped,
  nowMicroseconds,
  nullable,
  type Share,
  ShareOrder,
  shareEnded,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, Type } from 'typebox'
import type { OriginClock } from '../origin-clock.ts'
import { roundsOf, slotOf, transportOf } from './sequence.ts'

// Whoever arms a message or settles it, the sender or the reconciliation of a later process, the
// share moves on in the same transaction: no round is sent twice, and none is forgotten.
export const shareMigration = `
  ALTER TABLE message ADD COLUMN experiment_id TEXT;
  CREATE TABLE share (
    experiment_id TEXT PRIMARY KEY,
    share_order TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    clock_id TEXT NOT NULL,
    clock_microseconds INTEGER NOT NULL,
    next_round INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    is_ended INTEGER NOT NULL DEFAULT 0,
    reason TEXT
  ) STRICT;
  CREATE TRIGGER share_sent AFTER INSERT ON message WHEN NEW.experiment_id IS NOT NULL
  BEGIN
    UPDATE share SET sent = sent + 1, next_round = next_round + 1
    WHERE experiment_id = NEW.experiment_id;
  END;
  CREATE TRIGGER share_failed AFTER UPDATE OF state ON message
  WHEN NEW.state = 'failed' AND OLD.state = 'sent' AND NEW.experiment_id IS NOT NULL
  BEGIN
    UPDATE share SET failed = failed + 1 WHERE experiment_id = NEW.experiment_id;
  END;`

const ShareRow = Type.Object({
  experiment_id: Type.String(),
  share_order: Type.String(),
  starts_at: Type.Integer(),
  clock_id: Type.String(),
  clock_microseconds: Type.Integer(),
  next_round: Type.Integer(),
  sent: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  is_ended: Type.Integer(),
  reason: nullable(Type.String()),
})
type ShareRow = Static<typeof ShareRow>

const parseRow = createParser('stored share', ShareRow)
const parseOrder = createParser('stored order of a share', ShareOrder)

export interface StoredShare {
  order: ShareOrder
  /** Of the origin's monotonic clock, in microseconds: now, or still to come. */
  startsAt: number
  nextRound: number
  isEnded: boolean
  share: Share
}

/** The shares that were ordered from this node, and how far they are. */
export interface ShareStore {
  get(experimentId: string): StoredShare | undefined
  running(): StoredShare[]
  add(order: ShareOrder): void
  /** Tells that every round before this one which was not sent will not be. */
  skipTo(experimentId: string, round: number, reason: string): void
  /** Tells that no more is sent. Once. */
  end(experimentId: string, reason: string | null): void
}

export interface ShareStoreOptions {
  state: StateFile
  clock: OriginClock
  nodeId: string
}

const maxNumbers = 1000
const keptEnded = 200
// An order begins at most a minute after it came; a clock that is further back is another one.
const maxAheadMicroseconds = 60_000_000

export function createShareStore({ state, clock, nodeId }: ShareStoreOptions): ShareStore {
  const { db } = state
  const select = db.prepare('SELECT * FROM share WHERE experiment_id = ?')
  const selectRunning = db.prepare('SELECT * FROM share WHERE is_ended = 0')
  const insert = db.prepare(
    `INSERT INTO share (experiment_id, share_order, starts_at, clock_id, clock_microseconds)
     VALUES (?, ?, ?, ?, ?)`,
  )
  const prune = db.prepare(
    `DELETE FROM share WHERE experiment_id IN (
       SELECT experiment_id FROM share WHERE is_ended = 1 ORDER BY starts_at DESC LIMIT -1 OFFSET ?)`,
  )
  const moveTo = db.prepare(
    'UPDATE share SET next_round = ?, skipped = skipped + ? WHERE experiment_id = ?',
  )
  const markEnded = db.prepare(
    'UPDATE share SET is_ended = 1, reason = ? WHERE experiment_id = ? AND is_ended = 0',
  )

  // The clock of the machine goes on over a restart of the process; only after a restart of the
  // machine the wall clock has to say how much time has passed.
  const startOf = (row: ShareRow): number => {
    const now = clock.nowMicroseconds()
    const isSameClock =
      row.clock_id === clock.id && row.clock_microseconds <= now + maxAheadMicroseconds
    return isSameClock
      ? row.clock_microseconds
      : now - Math.max(0, nowMicroseconds() - row.starts_at)
  }
  const describe = (row: ShareRow): StoredShare => {
    const order = parseOrder(JSON.parse(row.share_order))
    return {
      order,
      startsAt: startOf(row),
      nextRound: row.next_round,
      isEnded: row.is_ended === 1,
      share: {
        node_id: nodeId,
        state: row.is_ended === 1 ? 'ended' : 'running',
        planned: roundsOf(order),
        sent: row.sent,
        failed: row.failed,
        skipped: row.skipped,
        reason: row.reason,
      },
    }
  }
  const get = (experimentId: string): StoredShare | undefined => {
    const row = select.get(experimentId)
    return row && describe(parseRow(row))
  }

  return {
    get,
    running: () => selectRunning.all().map((row) => describe(parseRow(row))),

    add(order) {
      const inMicroseconds = order.startsInMs * 1000
      state.transaction(() => {
        insert.run(
          order.experimentId,
          JSON.stringify(order),
          nowMicroseconds() + inMicroseconds,
          clock.id,
          clock.nowMicroseconds() + inMicroseconds,
        )
        prune.run(keptEnded)
      })
    },

    skipTo(experimentId, round, reason) {
      state.transaction((tell) => {
        const stored = get(experimentId)
        if (!stored || stored.nextRound >= round) return
        const { order, nextRound } = stored
        const at = toTimestamp(nowMicroseconds())
        const rounds = Array.from({ length: round - nextRound }, (_, index) => nextRound + index)
        for (const transport of order.transports) {
          const numbers = rounds
            .filter((missed) => transportOf(order, missed) === transport)
            .map((missed) => slotOf(order, missed))
          for (let from = 0; from < numbers.length; from += maxNumbers) {
            const some = numbers.slice(from, from + maxNumbers)
            const event = { nodeId, experimentId, transport, numbers: some, reason, at }
            tell(messagesSkipped, { nodeId }, event)
          }
        }
        moveTo.run(round, round - nextRound, experimentId)
      })
    },

    end(experimentId, reason) {
      state.transaction((tell) => {
        if (markEnded.run(reason, experimentId).changes === 0) return
        const stored = get(experimentId)
        if (!stored) throw new Error(`unreachable: no share of ${experimentId}`)
        const at = toTimestamp(nowMicroseconds())
        tell(shareEnded, { nodeId }, { nodeId, experimentId, share: stored.share, at })
      })
    },
  }
}
