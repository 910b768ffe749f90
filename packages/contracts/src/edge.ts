import { type Static, Type } from 'typebox'
import { defineCommand, defineHint } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable, oneLine } from './values.ts'

const Line = Type.String({ maxLength: 300, pattern: oneLine })
const Name = Type.String({ maxLength: 128, pattern: oneLine })

/** A backend as one point of presence knows it. */
export const EdgeBackend = Type.Object({
  id: Name,
  app: Name,
  region: Name,
  ip: Type.String({ maxLength: 260, pattern: oneLine }),
  port: Type.Integer(),
  healthy: Type.Boolean({ description: 'by its row: reported healthy, its lease not over' }),
  last_heartbeat_secs: nullable(Type.Integer(), {
    description: 'since it was heard of here, or its lease was last written; null: it has none',
  }),
  registered_secs: nullable(Type.Integer(), { description: 'null: its row does not say' }),
  country: nullable(Name),
  weight: Type.Integer(),
  soft_limit: Type.Integer(),
  hard_limit: Type.Integer(),
  draining: Type.Boolean(),
  owner: nullable(Type.String({ maxLength: 64, pattern: oneLine }), {
    description: "node that writes the row; null: an operator's own",
  }),
  lease_secs: nullable(Type.Integer(), {
    description: 'until its lease ends by its own clock; null: it has none',
  }),
  reachable: Type.Boolean({ description: 'from here, as far as was tried' }),
  connections: Type.Integer({ description: 'of this point of presence' }),
  refusal: nullable(Line, {
    description: 'why it takes no connections of this point of presence; null: it does',
  }),
})
export type EdgeBackend = Static<typeof EdgeBackend>

/** How a point of presence stands to its table. */
export const EdgeTable = Type.Object({
  state: Line,
  isLive: Type.Boolean({ description: 'what is written is heard at once' }),
  reason: nullable(Line, { description: 'why it is not live' }),
  ageSeconds: nullable(Type.Number(), {
    description: 'since it was in step with the agent; null: never yet',
  }),
  auditDiffering: nullable(Type.Integer(), {
    description: 'rows that the last look at the whole table found to differ; null: there was none',
  }),
})
export type EdgeTable = Static<typeof EdgeTable>

/** Said every second by each edge proxy. Silent for three: it is lost. */
export const edgeAnnounced = defineHint(
  'corro.hint.edge.{nodeId}',
  'A point of presence is here: what it listens on, how it does.',
  Type.Object({
    nodeId: NodeId,
    region: nullable(Name),
    version: Type.String({ maxLength: 64 }),
    startedAt: Timestamp,
    announcedAt: Timestamp,
    listeners: Type.Array(
      Type.Object({ app: nullable(Name), host: Name, port: Type.Integer(), tls: Name }),
      { maxItems: 256 },
    ),
    threads: Type.Integer(),
    connections: Type.Integer({ description: 'open' }),
    accepted: Type.Integer({ description: 'since it started' }),
    refused: Type.Integer({ description: 'since it started' }),
    backends: Type.Object({
      routing: Type.Integer(),
      refused: Type.Integer({ description: 'unhealthy, draining, lease over, no address' }),
      setAside: Type.Integer({ description: 'rows that are wrong in themselves' }),
      leftOut: Type.Integer({ description: 'failed here' }),
    }),
    table: EdgeTable,
  }),
)
export type EdgeAnnounced = Static<typeof edgeAnnounced.schema>

export const backendMoved = defineHint(
  'corro.hint.backend.{nodeId}',
  'To one point of presence a backend is something else than before.',
  Type.Object({
    nodeId: NodeId,
    id: Name,
    app: Name,
    to: Type.Enum(['taking', 'refused', 'left-out', 'returned', 'gone'], {
      description:
        'taking: connections are sent there; refused: by its row; left-out: it failed here; returned: it answers again; gone: it has no row',
    }),
    reason: nullable(Line),
    at: Timestamp,
  }),
)
export type BackendMoved = Static<typeof backendMoved.schema>

/** One backend in a decision. */
export const EdgeCandidate = Type.Object({
  id: Name,
  tier: Type.Integer({
    description: "0: the client's country, 1: its region, 2: the region of the proxy, 3: elsewhere",
  }),
  score: nullable(Type.Number(), { description: 'the least is chosen; null: it takes nothing' }),
  connections: Type.Integer(),
  refusal: nullable(Line, { description: 'why it takes nothing' }),
})
export type EdgeCandidate = Static<typeof EdgeCandidate>

/** Why one connection went where it went, or nowhere. */
export const EdgeDecision = Type.Object({
  at: Timestamp,
  client: Type.String({ maxLength: 64, pattern: oneLine }),
  country: nullable(Name),
  region: nullable(Name),
  app: nullable(Name, { description: 'null: every backend is of one app' }),
  outcome: Type.Enum(['routed', 'no-backend', 'unreachable', 'here'], {
    description: 'here: this proxy had no descriptors or ports left',
  }),
  attempts: Type.Array(
    Type.Object({
      id: Name,
      by: Type.Enum(['affinity', 'score']),
      ms: Type.Number({ description: 'until it accepted, or failed' }),
      failure: nullable(Line),
    }),
    { maxItems: 16 },
  ),
  candidates: Type.Array(EdgeCandidate, { maxItems: 32 }),
})
export type EdgeDecision = Static<typeof EdgeDecision>

export const routeDecided = defineHint(
  'corro.hint.route.{nodeId}',
  'Some of the decisions of a point of presence, each with all that it was made from.',
  Type.Object({ nodeId: NodeId, decision: EdgeDecision }),
)

export const edgeBackendsQueried = defineCommand(
  'corro.command.edge-proxy.backends.{nodeId}',
  'The backends as a point of presence knows them, by id.',
  {
    request: Type.Object({
      app: Type.Optional(Name),
      after: Type.Optional(Name),
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    }),
    reply: Type.Object({
      backends: Type.Array(EdgeBackend),
      total: Type.Integer(),
      setAside: Type.Array(Type.Object({ id: Line, reason: Line }), { maxItems: 100 }),
      table: EdgeTable,
    }),
    timeoutMs: 2000,
  },
)

export const edgeRouteExplained = defineCommand(
  'corro.command.edge-proxy.explain.{nodeId}',
  'Where a client would be sent now, and why; takes no connection.',
  {
    request: Type.Object({
      client: Type.String({ maxLength: 64 }),
      app: Type.Optional(Name),
      without: Type.Array(Name, {
        maxItems: 100,
        description: 'backends that are taken to be dead',
      }),
    }),
    reply: Type.Object({
      client: Type.String(),
      country: nullable(Name),
      region: nullable(Name),
      ownRegion: nullable(Name),
      affinity: nullable(Name, { description: 'the backend that this client had before' }),
      chosen: Type.Array(Type.Object({ id: Name, share: Type.Number() }), {
        description: 'among equals one is chosen at random, by weight; empty: there is none',
      }),
      candidates: Type.Array(EdgeCandidate, { maxItems: 1000 }),
    }),
    timeoutMs: 2000,
  },
)

export const edgeDecisionsQueried = defineCommand(
  'corro.command.edge-proxy.decisions.{nodeId}',
  'The last recorded decisions of a point of presence, newest first.',
  {
    request: Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 200 }) }),
    reply: Type.Object({ decisions: Type.Array(EdgeDecision) }),
    timeoutMs: 2000,
  },
)

/** What an operator may say of a backend; what is left out stays as it is, or is usual. */
export const EdgeBackendChange = Type.Object(
  {
    app: Type.Optional(Name),
    region: Type.Optional(Name),
    country: Type.Optional(Name),
    ip: Type.Optional(Type.String({ maxLength: 253 })),
    port: Type.Optional(Type.Integer()),
    weight: Type.Optional(Type.Integer()),
    soft_limit: Type.Optional(Type.Integer()),
    hard_limit: Type.Optional(Type.Integer()),
    healthy: Type.Optional(Type.Boolean()),
    draining: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type EdgeBackendChange = Static<typeof EdgeBackendChange>

export const edgeBackendWritten = defineCommand(
  'corro.command.edge-proxy.write.{nodeId}',
  "Adds, changes or removes a backend. A row that was registered elsewhere is written there only; a new one is the operator's own.",
  {
    request: Type.Object({
      id: Name,
      how: Type.Enum(['add', 'change', 'remove']),
      change: EdgeBackendChange,
    }),
    reply: Type.Object({
      backend: nullable(EdgeBackend, { description: 'as it is now; null: it is removed' }),
    }),
    timeoutMs: 6000,
  },
)
