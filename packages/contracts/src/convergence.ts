import { type Static, Type } from 'typebox'
import { Digest } from './agent-config.ts'
import { defineCommand } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

const RowsDigest = nullable(Digest, {
  description: 'SHA-256 over all rows in key order, each cell with its type; null: no such table',
})
const rowCount = Type.Integer({ minimum: 0 })
const tableName = Type.String({ minLength: 1, maxLength: 200 })

/** The rows of one replicated table, as one agent has them at one moment. */
export const TableDigest = Type.Object({ table: tableName, rows: rowCount, digest: RowsDigest })
export type TableDigest = Static<typeof TableDigest>

export const rowsDigested = defineCommand(
  'corro.command.config-manager.digest.{nodeId}',
  "A digest over the rows of each replicated table of a node's agent.",
  {
    request: Type.Object({
      tables: Type.Optional(
        Type.Array(tableName, { minItems: 1, maxItems: 100, description: 'all without it' }),
      ),
    }),
    reply: Type.Object({
      tables: Type.Array(TableDigest, { description: 'by name' }),
      takenAt: Timestamp,
    }),
    // More than the deadline of whoever answers it, who then says what took so long.
    timeoutMs: 22_000,
  },
)

/**
 * `GET /api/cluster/convergence?tables=a,b`. Every node reads its tables at a moment of its own, so
 * while rows are written two looks differ, and what differs may be on its way: equal digests prove
 * that the nodes agree, different ones only once nobody writes.
 */
export const ConvergenceReply = Type.Object({
  is_converged: Type.Boolean({
    description: 'every expected node answered, and all have the same rows in each table',
  }),
  tables: Type.Array(
    Type.Object({
      table: tableName,
      is_equal: Type.Boolean({ description: 'among the nodes that answered' }),
      rows: nullable(rowCount, { description: 'null: they have not as many' }),
      groups: Type.Array(
        Type.Object({ digest: RowsDigest, rows: rowCount, node_ids: Type.Array(NodeId) }),
        { description: 'nodes with the same rows, the largest group first' },
      ),
    }),
  ),
  answered: Type.Array(Type.Object({ node_id: NodeId, taken_at: Timestamp })),
  unanswered: Type.Array(Type.Object({ node_id: NodeId, reason: Type.String() })),
  left_out: Type.Array(tableName, {
    description: 'not compared unless asked for: canaries change all the time',
  }),
  node_id: NodeId,
  timestamp: Timestamp,
})
export type ConvergenceReply = Static<typeof ConvergenceReply>
