import { messageOf } from '@corroport/bus'
import { fromTimestamp, NodeId, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient, Statement } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** This node's row in node_canaries, and everybody's as this node's agent has them. */
export interface Canaries {
  /** By node; undefined while the agent does not answer. */
  readonly rows: ReadonlyMap<string, number> | undefined
  /** Reads all rows; never throws. */
  look(signal: AbortSignal): Promise<void>
  /** Writes this node's row; its sequence. One after the other. */
  touch(signal?: AbortSignal): Promise<number>
}

const readDeadlineMs = 900
const writeDeadlineMs = 2000

const Row = Type.Tuple([NodeId, Type.Integer({ minimum: 0 }), Type.String()])

export interface CanariesDeps {
  nodeId: string
  agent: CorrosionClient
  log: Logger
  /**
   * A canary of another node came since the look before: so long after it was written, by two clocks.
   * Below zero when theirs is ahead.
   */
  onCame: (afterSeconds: number) => void
}

export function createCanaries({ nodeId, agent, log, onCame }: CanariesDeps): Canaries {
  let rows: ReadonlyMap<string, number> | undefined
  let own = 0
  let lastFailure = ''
  let touching: Promise<unknown> = Promise.resolve()

  const read = async (timeoutMs: number, signal?: AbortSignal): Promise<void> => {
    const answer = await agent.query('SELECT node_id, sequence, at FROM node_canaries', {
      signal,
      timeoutMs,
    })
    const now = nowMicroseconds()
    // Anyone with access to the database can write rows: what cannot be one of a node is nobody's.
    const found = answer.rows.filter((row) => Value.Check(Row, row))
    const before = rows
    rows = new Map(found.map(([id, sequence]) => [id, sequence]))
    own = Math.max(own, rows.get(nodeId) ?? 0)
    // After a look that failed nobody knows when they came.
    if (!before) return
    for (const [id, sequence, at] of found) {
      const writtenAt = fromTimestamp(at)
      const isNew = id !== nodeId && before.get(id) !== sequence
      if (isNew && writtenAt !== undefined) onCame((now - writtenAt) / 1e6)
    }
  }

  const write = async (signal?: AbortSignal): Promise<number> => {
    // Else a first touch after a restart would be smaller than what the others have seen.
    if (rows === undefined) await read(writeDeadlineMs, signal)
    own += 1
    const sequence = own
    await agent.transact([upsert(nodeId, sequence, toTimestamp(nowMicroseconds()))], {
      signal,
      timeoutMs: writeDeadlineMs,
    })
    return sequence
  }

  return {
    get rows() {
      return rows
    },
    async look(signal) {
      try {
        await read(readDeadlineMs, signal)
        lastFailure = ''
      } catch (err) {
        rows = undefined
        const failure = messageOf(err)
        if (!signal.aborted && failure !== lastFailure) log.warn({ err }, 'canaries not read')
        lastFailure = failure
      }
    },
    touch(signal) {
      const touched = touching.then(() => write(signal))
      touching = touched.catch(() => undefined) // whoever asked for it hears of it
      return touched
    },
  }
}

// Never REPLACE: it deletes the row first, and others would see it vanish.
function upsert(nodeId: string, sequence: number, at: string): Statement {
  return [
    `INSERT INTO node_canaries (node_id, sequence, at) VALUES (?, ?, ?)
     ON CONFLICT (node_id) DO UPDATE SET sequence = excluded.sequence, at = excluded.at`,
    [nodeId, sequence, at],
  ]
}
