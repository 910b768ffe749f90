import { BuildCounts, buildStatuses, createParser } from '@corroport/contracts'
import { type Static, Type } from 'typebox'

// Of routes under /api/v2, which keep the spelling of the original's clients.

const nullable = Type.Union([Type.String(), Type.Null()])
const State = Type.Enum([...buildStatuses])

const Build = Type.Object({
  id: Type.String(),
  platform: Type.String(),
  state: State,
  worker_name: nullable,
  createdAt: Type.String(),
  completedAt: Type.Optional(Type.String()),
  error_message: nullable,
  attempt: Type.Integer(),
  priority: Type.Integer(),
  labels: Type.Array(Type.String()),
  has_result: Type.Boolean(),
  retry_of: Type.Optional(Type.String()),
})
export type Build = Static<typeof Build>

export const parseBuild = createParser('a build', Build)
export const parseBuilds = createParser(
  'builds',
  Type.Object({ builds: Type.Array(Build), total: Type.Integer() }),
)
export const parseBuildEvents = createParser(
  'what happened',
  Type.Object({
    events: Type.Array(
      Type.Object({
        kind: Type.String(),
        at: Type.String(),
        worker_id: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
      }),
    ),
  }),
)
export const parseSubmitted = createParser(
  'a submission',
  Type.Object({ id: Type.String(), status: State, access_token: Type.String() }),
)
export const parseStatus = createParser(
  'a status',
  Type.Object({ id: Type.String(), state: State, error_message: nullable }),
)
export const LogLine = Type.Object({
  seq: Type.Integer(),
  timestamp: Type.String(),
  level: Type.String(),
  message: Type.String(),
})
export type LogLine = Static<typeof LogLine>
export const parseLogLine = createParser('a line of a log', LogLine)
export const parseLog = createParser(
  'a log',
  Type.Object({ logs: Type.Array(LogLine), next: Type.Integer() }),
)
const Worker = Type.Object({
  id: Type.String(),
  name: Type.String(),
  status: Type.Enum(['idle', 'building', 'draining', 'offline']),
  platforms: Type.Array(Type.String()),
  labels: Type.Array(Type.String()),
  build_id: nullable,
  builds_completed: Type.Integer(),
  builds_failed: Type.Integer(),
  last_seen_at: Type.String(),
})
export const parseWorkers = createParser('workers', Type.Object({ workers: Type.Array(Worker) }))
export const parseStatistics = createParser('statistics', BuildCounts)
export const parseDone = createParser('an answer', Type.Object({ success: Type.Boolean() }))
const Key = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: Type.String(),
  created_at: Type.String(),
})
export const parseKeys = createParser('keys', Type.Object({ keys: Type.Array(Key) }))
export const parseNewKey = createParser(
  'a key',
  Type.Object({ id: Type.String(), name: Type.String(), role: Type.String(), key: Type.String() }),
)
