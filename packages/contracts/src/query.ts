import { type Static, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { answered } from './http.ts'
import { By } from './operation.ts'
import { queryLimits } from './query-limits.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, Cell, NodeId, nullable } from './values.ts'

export const QueryParameters = Type.Union(
  [
    Type.Array(Cell, { maxItems: 100 }),
    Type.Record(Type.String({ maxLength: 100 }), Cell, {
      description: 'by name, without the colon of the statement',
    }),
  ],
  { description: 'for ?, ?1 … or :name' },
)
export type QueryParameters = Static<typeof QueryParameters>

const Sql = Type.String({ minLength: 1, maxLength: queryLimits.sqlCharacters })
const bounds = {
  maxRows: Type.Integer({ minimum: queryLimits.rows.least, maximum: queryLimits.rows.most }),
  timeoutMs: Type.Integer({
    minimum: queryLimits.timeoutMs.least,
    maximum: queryLimits.timeoutMs.most,
  }),
}

/** The rows of one query. Column names may repeat, so rows are lists. */
export const QueryTable = Type.Object({
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(Cell)),
  cut: nullable(
    Type.Union([
      Type.Literal('rows'),
      Type.Literal('bytes', { description: 'the next row alone may be too large' }),
      Type.Literal('time', { description: 'where no row came in time, it is an error' }),
    ]),
    { description: 'which limit left rows out; null: these are all' },
  ),
  tookMs: Type.Number(),
})
export type QueryTable = Static<typeof QueryTable>

/** How far a node was when it answered. */
export const QueryFreshness = Type.Object({
  takenAt: Timestamp,
  actorId: nullable(ActorId),
  neededVersions: nullable(Type.Integer({ description: 'that it knows of and has not' })),
  queueSize: nullable(Type.Integer({ description: 'changes that wait to be applied' })),
})
export type QueryFreshness = Static<typeof QueryFreshness>

export const nodeQueried = defineCommand(
  'corro.command.gateway.query.{nodeId}',
  "Reads a node's own agent with one statement that only reads.",
  {
    request: Type.Object({
      sql: Sql,
      params: QueryParameters,
      by: By,
      ...bounds,
      maxBytes: Type.Integer({ minimum: 1000, maximum: queryLimits.bytes }),
    }),
    reply: Type.Object({ table: QueryTable, freshness: QueryFreshness }),
    timeoutMs: queryLimits.timeoutMs.most + 1000,
  },
)

export const analyticsTablesQueried = defineCommand(
  'corro.command.analytics.query',
  'Reads the tables of analytics with one statement, as a role of Postgres that can only select.',
  {
    request: Type.Object({ sql: Sql, params: QueryParameters, by: By, ...bounds }),
    reply: Type.Object({ table: QueryTable }),
    timeoutMs: queryLimits.timeoutMs.most + 1000,
  },
)

/** A table or view that can be queried, for completion. */
export const QueryRelation = Type.Object({
  name: Type.String(),
  columns: Type.Array(
    Type.Object({ name: Type.String(), type: Type.String(), is_key: Type.Boolean() }),
  ),
})
export type QueryRelation = Static<typeof QueryRelation>

export const analyticsRelationsQueried = defineCommand(
  'corro.command.analytics.relations',
  'The tables of analytics that can be queried.',
  {
    request: Type.Object({}),
    reply: Type.Object({ relations: Type.Array(QueryRelation) }),
    timeoutMs: 3000,
  },
)

export const QuerySource = Type.Union([
  Type.Literal('corrosion', { description: "the nodes' agents, in SQL of SQLite" }),
  Type.Literal('analytics', { description: 'in SQL of Postgres' }),
])
export type QuerySource = Static<typeof QuerySource>

/** `POST /api/query`. */
export const QueryRequest = Type.Object(
  {
    sql: Sql,
    params: Type.Optional(QueryParameters),
    source: Type.Optional(QuerySource),
    nodes: Type.Optional(
      Type.Union([Type.Literal('all'), Type.Array(NodeId, { minItems: 1, maxItems: 1000 })], {
        description: 'of corrosion; without it this node',
      }),
    ),
    key: Type.Optional(
      Type.Array(Type.String({ maxLength: 200 }), {
        maxItems: 10,
        description: 'columns by which rows of several nodes are the same row',
      }),
    ),
    max_rows: Type.Optional(bounds.maxRows),
    timeout_ms: Type.Optional(bounds.timeoutMs),
  },
  { additionalProperties: false },
)
export type QueryRequest = Static<typeof QueryRequest>

/** What one node, or analytics, answered. */
export const QueryResult = Type.Object({
  node_id: nullable(NodeId, { description: 'null: analytics' }),
  table: nullable(QueryTable),
  freshness: nullable(QueryFreshness),
  error: nullable(Type.String()),
})
export type QueryResult = Static<typeof QueryResult>

/** A row that is not the same on all nodes that answered. */
export const DifferingRow = Type.Object({
  key: Type.Array(Cell),
  missing_on: Type.Array(NodeId),
  cells: Type.Array(
    Type.Object({
      column: Type.String(),
      values: Type.Array(Type.Object({ value: Cell, node_ids: Type.Array(NodeId) })),
    }),
    { description: 'only the columns that differ' },
  ),
})
export type DifferingRow = Static<typeof DifferingRow>

export const QueryComparison = Type.Object({
  is_equal: Type.Boolean({
    description: 'of the rows that came; false where a node did not answer',
  }),
  is_complete: Type.Boolean({ description: 'false when a limit cut the rows of a node' }),
  key: Type.Array(Type.String(), {
    description: 'columns that told rows apart; empty: whole rows, or each node has one row',
  }),
  equal_rows: Type.Integer(),
  differing: Type.Array(DifferingRow, { description: 'the first 200' }),
  differing_rows: Type.Integer(),
})
export type QueryComparison = Static<typeof QueryComparison>

export const QueryReply = Type.Object({
  source: QuerySource,
  results: Type.Array(QueryResult),
  comparison: nullable(QueryComparison, { description: 'where two nodes or more answered' }),
  comparison_error: nullable(Type.String({ description: 'why what answered was not compared' })),
  limits: Type.Object({ max_rows: Type.Integer(), timeout_ms: Type.Integer() }),
  ...answered,
})
export type QueryReply = Static<typeof QueryReply>

/** `GET /api/query/relations?source=`. */
export const RelationsReply = Type.Object({
  source: QuerySource,
  relations: Type.Array(QueryRelation),
  ...answered,
})
export type RelationsReply = Static<typeof RelationsReply>
