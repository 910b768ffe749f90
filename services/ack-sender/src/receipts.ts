import { createTraceparent, inTrace, type StateFile } from '@corroport/bus'
import {
  ackFailed,
  ackSent,
  createParser,
  type MessageSuspected,
  messageReceived,
  messageSuspected,
  nowMicroseconds,
  Reception,
  Timestamp,
  Transport,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, Type } from 'typebox'

export const migrations = [
  `CREATE TABLE receipt (
    id INTEGER PRIMARY KEY,
    transport TEXT NOT NULL,
    message_id TEXT NOT NULL,
    origin_node_id TEXT NOT NULL,
    via TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    reception_count INTEGER NOT NULL DEFAULT 1,
    acknowledgement TEXT NOT NULL DEFAULT 'owed',
    attempts INTEGER NOT NULL DEFAULT 0,
    owed_since INTEGER NOT NULL,
    traceparent TEXT NOT NULL,
    first_version TEXT,
    UNIQUE (transport, message_id)
  ) STRICT;
  CREATE INDEX receipt_seen ON receipt (last_seen, reception_count);
  CREATE INDEX receipt_owed ON receipt (origin_node_id, id) WHERE acknowledgement = 'owed';
  CREATE INDEX receipt_owed_since ON receipt (owed_since) WHERE acknowledgement = 'owed';
  CREATE TABLE sighting (
    receipt_id INTEGER NOT NULL REFERENCES receipt (id) ON DELETE CASCADE,
    row_version TEXT NOT NULL,
    PRIMARY KEY (receipt_id, row_version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE suspicion (
    key_digest TEXT PRIMARY KEY,
    suspected_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX suspicion_age ON suspicion (suspected_at);`,
]

/** A message of another node, seen here. */
export interface Sighting {
  transport: Transport
  messageId: string
  originNodeId: string
  via: Reception['via']
  seenAt: string
  /** Seen again under the same name it is a redelivery and not counted; absent: always counted. */
  rowVersion?: string
}

const OwedRow = Type.Object({
  id: Type.Integer(),
  transport: Transport,
  messageId: Type.String(),
  originNodeId: Type.String(),
  via: Reception.properties.via,
  firstSeen: Timestamp,
  owedSince: Type.Integer({ description: "Unix milliseconds, by this node's clock" }),
  traceparent: Type.String(),
  attempts: Type.Integer({ description: 'attempts that have failed' }),
})
/** An acknowledgement that its origin has not confirmed yet. */
export type Owed = Static<typeof OwedRow>

/** An acknowledgement that its origin has confirmed. */
export interface Confirmed {
  owed: Owed
  endpoint: string
  sentAt: string
  confirmedAt: string
}

const parseOwed = createParser('stored receipt', OwedRow)
const parseReception = createParser('stored reception', Reception)
const parseSummary = createParser(
  'summary of what is owed',
  Type.Object({ count: Type.Integer(), oldest: Type.Union([Type.Integer(), Type.Null()]) }),
)

export type Receipts = ReturnType<typeof createReceipts>

const owedColumns = `id, transport, message_id AS messageId, origin_node_id AS originNodeId, via,
  first_seen AS firstSeen, owed_since AS owedSince, traceparent, attempts`

/** Every query of this service. What it tells is committed together with what it notes. */
export function createReceipts(state: StateFile, nodeId: string) {
  const { db } = state
  const insertReceipt = db.prepare(
    `INSERT INTO receipt (transport, message_id, origin_node_id, via, first_seen, last_seen,
       owed_since, traceparent, first_version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING ${owedColumns}`,
  )
  // Not when it was first seen in this very state; a direct request has none and always counts.
  const selectId = db.prepare(
    `SELECT id FROM receipt
     WHERE transport = ?1 AND message_id = ?2 AND (?3 IS NULL OR first_version IS NOT ?3)`,
  )
  const insertSighting = db.prepare('INSERT INTO sighting VALUES (?, ?) ON CONFLICT DO NOTHING')
  const countSighting = db.prepare(
    `UPDATE receipt SET reception_count = reception_count + 1, last_seen = max(last_seen, ?)
     WHERE id = ?`,
  )
  const insertSuspicion = db.prepare('INSERT INTO suspicion VALUES (?, ?) ON CONFLICT DO NOTHING')
  const finish = db.prepare(
    `UPDATE receipt SET acknowledgement = ?, attempts = ? WHERE id = ? AND acknowledgement = 'owed'`,
  )
  const updateAttempts = db.prepare('UPDATE receipt SET attempts = ? WHERE id = ?')
  const selectOwed = db.prepare(
    `SELECT ${owedColumns} FROM receipt
     WHERE acknowledgement = 'owed' AND origin_node_id = ? AND id > ? ORDER BY id LIMIT ?`,
  )
  const selectOverdue = db.prepare(
    `SELECT ${owedColumns} FROM receipt
     WHERE acknowledgement = 'owed' AND owed_since < ? ORDER BY owed_since LIMIT ?`,
  )
  const summarizeOwed = db.prepare(
    `SELECT count(*) AS count, min(owed_since) AS oldest FROM receipt WHERE acknowledgement = 'owed'`,
  )
  const matching = `FROM receipt WHERE reception_count >= $min
    AND ($pk IS NULL OR message_id = $pk)`
  const selectReceptions = db.prepare(
    `SELECT message_id AS pk, origin_node_id, transport, via, reception_count, first_seen,
       last_seen, acknowledgement ${matching} ORDER BY last_seen DESC LIMIT $limit`,
  )
  const countReceptions = db.prepare(`SELECT count(*) AS count ${matching}`)
  const purgeReceipts = db.prepare(
    `DELETE FROM receipt WHERE id IN (
       SELECT id FROM receipt WHERE last_seen < ? AND acknowledgement <> 'owed'
         AND id < (SELECT max(id) FROM receipt) -- so that an id never comes twice
       ORDER BY last_seen LIMIT ?)`,
  )
  const purgeSuspicions = db.prepare(
    `DELETE FROM suspicion WHERE key_digest IN (
       SELECT key_digest FROM suspicion WHERE suspected_at < ? ORDER BY suspected_at LIMIT ?)`,
  )

  return {
    /** Notes a sighting. Returns the acknowledgement that is owed now, at first sight only. */
    see(sighting: Sighting): Owed | undefined {
      const { transport, messageId, originNodeId, via, seenAt, rowVersion } = sighting
      return state.transaction((tell) => {
        const inserted = insertReceipt.get(
          transport,
          messageId,
          originNodeId,
          via,
          seenAt,
          seenAt,
          Date.now(),
          createTraceparent(),
          rowVersion ?? null,
        )
        if (inserted) {
          tell(
            messageReceived,
            { nodeId },
            { nodeId, messageId, transport, originNodeId, via, receivedAt: seenAt },
          )
          return parseOwed(inserted)
        }
        const id = selectId.get(transport, messageId, rowVersion ?? null)?.id
        if (typeof id !== 'number') return undefined
        const isNew = rowVersion === undefined || insertSighting.run(id, rowVersion).changes === 1
        if (isNew) countSighting.run(seenAt, id)
        return undefined
      })
    },

    /** Tells once for each message that it is not what it claims to be. */
    suspect(suspicion: Omit<MessageSuspected, 'nodeId' | 'suspectedAt'>): void {
      const suspectedAt = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        if (insertSuspicion.run(suspicion.keyDigest, suspectedAt).changes === 0) return
        tell(messageSuspected, { nodeId }, { nodeId, ...suspicion, suspectedAt })
      })
    },

    confirm(confirmed: readonly Confirmed[]): void {
      state.transaction((tell) => {
        for (const { owed, endpoint, sentAt, confirmedAt } of confirmed) {
          const attempts = owed.attempts + 1
          if (finish.run('confirmed', attempts, owed.id).changes === 0) continue
          const { messageId, transport, originNodeId } = owed
          const about = { nodeId, messageId, transport, originNodeId, attempts }
          inTrace(owed.traceparent, () =>
            tell(ackSent, { nodeId }, { ...about, endpoint, sentAt, confirmedAt }),
          )
        }
      })
    },

    giveUp(failures: readonly { owed: Owed; attempts: number; reason: string }[]): void {
      const failedAt = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        for (const { owed, attempts, reason } of failures) {
          if (finish.run('given-up', attempts, owed.id).changes === 0) continue
          const { messageId, transport, originNodeId } = owed
          tell(
            ackFailed,
            { nodeId },
            { nodeId, messageId, transport, originNodeId, attempts, reason, failedAt },
          )
        }
      })
    },

    countAttempt(owed: Owed): void {
      owed.attempts += 1
      state.transaction(() => updateAttempts.run(owed.attempts, owed.id))
    },

    /** In the order in which they came to be owed, from behind `afterId`. */
    owedTo: (originNodeId: string, afterId: number, limit: number) =>
      selectOwed.all(originNodeId, afterId, limit).map(parseOwed),

    /** Owed since before the given Unix milliseconds, oldest first. */
    overdue: (beforeMs: number, limit: number) => selectOverdue.all(beforeMs, limit).map(parseOwed),

    /** How many are owed, and the Unix milliseconds of the oldest. */
    summarizeOwed: () => parseSummary(summarizeOwed.get()),

    query(request: { pk?: string; min: number; limit: number }) {
      const { pk = null, min, limit } = request
      const rows = selectReceptions.all({ $min: min, $pk: pk, $limit: limit })
      return {
        receptions: rows.map((row) => parseReception({ node_id: nodeId, ...row })),
        total: Number(countReceptions.get({ $min: min, $pk: pk })?.count),
      }
    },

    /** Forgets receipts last seen before the time given, but none that is owed. Returns how many. */
    purge(before: string, limit: number): number {
      return state.transaction(() => {
        const { changes } = purgeReceipts.run(before, limit)
        return Number(changes) + Number(purgeSuspicions.run(before, limit).changes)
      })
    },
  }
}
