export type AgentKind = 'klukai-0.1.4' | 'v1.0.0' | 'development'

export interface KnownDifference {
  agent: AgentKind
  /** Names of cases. */
  cases: readonly string[]
  /** From what v1.0.0 answers to what this agent does; no other answer will do. */
  rewrite: (lines: readonly string[]) => readonly string[]
  reason: string
  /** A race within the agent: it answers now like v1.0.0, now so. */
  isOccasional?: true
}

const is = (lines: readonly string[]) => () => lines

/** The same body in chunks, and without a type. */
const inChunks = (lines: readonly string[]) => [
  ...lines.filter((line) => !/^content-(length|type): /.test(line)).slice(0, 1),
  'transfer-encoding: chunked',
  ...lines.filter((line) => !/^content-(length|type): /.test(line)).slice(1),
]

const inChunksAs500 = (lines: readonly string[]) =>
  inChunks(lines).map((line) =>
    line === '400' ? '500' : line.replace(/^\{"error":"(.*)"\}$/, '"Error: $1"'),
  )

const leftOpen = (lines: readonly string[]) => [...lines.slice(0, -1), 'open']

const nothingFound = is(['404', 'content-length: right'])

const klukai: Omit<KnownDifference, 'agent'>[] = [
  {
    cases: [
      'query: syntax error',
      'query: no such table',
      'query: write refused',
      'query: multiple statements',
      'query: too few params',
      'query: unknown named',
      'query: too many params',
      'query: name without prefix',
      'query: no such column',
      'query: no such function',
      'query: incomplete',
      'query: syntax error after a line break',
      'query: CREATE TABLE',
      'query: PRAGMA that writes',
      'subscription: get unknown id',
      'request: subscription with an id in capitals',
      'request: subscription with an id without hyphens',
    ],
    rewrite: inChunks,
    reason: 'errors are sent as streams are',
  },
  {
    cases: [
      'subscription error: not a select',
      'subscription error: no such table',
      'subscription error: internal table',
      'subscription error: no from',
      'subscription error: two statements',
      'subscription: from without existing',
      'updates: unknown table',
      'request: subscription with a syntax error',
      'request: subscription of no table',
      'request: subscription with an ambiguous column',
      'request: updates of an encoded name',
      'request: updates of an internal table',
    ],
    rewrite: inChunksAs500,
    reason: 'a refused stream is a failure of the agent, and its message a JSON string',
  },
  {
    cases: ['subscription error: union'],
    rewrite: leftOpen,
    reason: 'a stream stays open after an error',
  },
  {
    cases: ['query: timeout'],
    rewrite: (lines) => leftOpen(lines.filter((line) => !line.includes('interrupted'))),
    reason: 'the timeout is counted in minutes',
  },
  {
    cases: [
      'health: bare',
      'health: thresholds',
      'request: POST health',
      'request: health with a bad number',
      'request: health with a bad status',
    ],
    rewrite: nothingFound,
    reason: 'there is no /v1/health before 2026',
  },
  {
    cases: ['request: migrations'],
    rewrite: is([
      '400',
      'content-length: right',
      'content-type: application/json',
      '{"results":[{"error":"at least 1 statement is required"}],"time":<time>,"version":null,"actor_id":"<actor 1>"}',
    ]),
    reason: '/v1/migrations is there until May 2026',
  },
  {
    cases: [
      'guard: other endpoint name',
      'guard: endpoint name in capitals',
      'guard: endpoint name that is not ASCII',
    ],
    rewrite: is([
      '200',
      'transfer-encoding: chunked',
      '{"columns":["1"]}\\n',
      '{"row":[1,[1]]}\\n',
      '{"eoq":{"time":<time>}}\\n',
    ]),
    reason: 'the endpoint name is not looked at',
  },
  {
    cases: ['guard: other endpoint name without a token'],
    rewrite: is(['401', 'content-length: right']),
    reason: 'the endpoint name is not looked at',
  },
  {
    cases: ['restart: after SIGTERM the old id resumes with what was written meanwhile'],
    isOccasional: true,
    rewrite: () => [
      '404',
      'transfer-encoding: chunked',
      '{"error":"could not find subscription with id <id 1>"}',
    ],
    reason: 'at SIGTERM a subscription is kept or deleted, as one of two tasks is first',
  },
  {
    cases: ['restart: after SIGKILL the old id is unknown'],
    rewrite: inChunks,
    reason: 'errors are sent as streams are',
  },
  {
    cases: ['admin: {"Cluster":"Members"}', 'admin: {"Cluster":"MembershipStates"}'],
    rewrite: (lines) => lines.map((line) => line.replace(',"member_id":null', '')),
    reason: 'there is no member_id before 2026',
  },
  {
    cases: ['admin: {"Subs":"List"}'],
    rewrite: (lines) => lines.map((line) => line.replace(',"ms_per_sec_cost":<ms>', '')),
    reason: 'the cost of a subscription is not told',
  },
  {
    cases: ['admin: "Reload"'],
    rewrite: () => [
      '{"Error":{"msg":"unknown variant `Reload`, expected one of `Ping`, `Sync`, `Locks`, `Cluster`, `Actor`, `Subs`, `Log` at line 1 column 8"}}',
    ],
    reason: 'the schema cannot be reloaded',
  },
  {
    cases: ['admin: {"Nope":1}', 'admin: "Nope"'],
    rewrite: (lines) =>
      lines.map((line) => line.replace('`Sync`', '`Sync`, `Locks`').replace(', `Reload`', '')),
    reason: 'other commands: Locks instead of Reload',
  },
]

const development: Omit<KnownDifference, 'agent'>[] = [
  {
    cases: ['subscription error: union'],
    rewrite: () => [
      '400',
      'content-length: 99',
      '{"error":"the development agent refuses compound statements: a real agent breaks on their changes"}',
      'ended',
    ],
    reason: 'what a real agent computes wrongly is refused',
  },
  {
    cases: ['query: text that is not UTF-8'],
    rewrite: (lines) => [
      ...lines.slice(0, -1),
      '{"row":[1,["\ufffd"]]}\\n',
      '{"eoq":{"time":<time>}}\\n',
    ],
    reason: 'node:sqlite puts a replacement character where a text is not UTF-8',
  },
  {
    cases: ['request: HTTP/2 with prior knowledge'],
    rewrite: () => ['failed: Protocol error'],
    reason: 'it speaks HTTP/1.1 only',
  },
  {
    cases: ['request: HEAD of nothing'],
    rewrite: (lines) => [...lines, 'content-length: right'],
    reason: 'an empty body has a length for HEAD too',
  },
  {
    cases: ['bytes: HTTP/1.0'],
    rewrite: (lines) => lines.toSpliced(1, 0, 'connection: close'),
    reason: 'node:http says that it closes the connection, which HTTP/1.0 does anyway',
  },
  {
    cases: ['table: columns of crsql_changes'],
    rewrite: (lines) => lines.map((line) => line.replace(/(?<=^\["(table|pk|val|cl)",)".*"/, '""')),
    reason: 'it is a view, whose expressions have no type',
  },
  {
    cases: ['table: tables and indexes of a replicated table'],
    rewrite: (lines) => lines.filter((line) => !line.includes('corro_plain__')),
    reason: 'that index serves the queries of the real agent only',
  },
]

/** A header that an agent adds to every answer; with another value, or without it, cases fail. */
export interface AddedHeader {
  name: string
  value: string
  reason: string
}

export const addedHeaders: Readonly<Partial<Record<AgentKind, readonly AddedHeader[]>>> = {
  development: [
    {
      name: 'server',
      value: 'corroport-development-agent',
      reason: 'the development agent says what it is',
    },
  ],
}

export const knownDifferences: readonly KnownDifference[] = [
  ...development.map((difference) => ({ agent: 'development' as const, ...difference })),
  ...klukai.map((difference) => ({ agent: 'klukai-0.1.4' as const, ...difference })),
]
