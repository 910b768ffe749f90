import { type Static, Type } from 'typebox'
import { buildStatuses } from './build-statuses.ts'
import { defineCommand, defineHint, defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { keptText, NodeId, nullable, oneLine } from './values.ts'

export const BuildStatus = Type.Enum([...buildStatuses], {
  description: 'dead: its workers were lost too often',
})
export type BuildStatus = Static<typeof BuildStatus>

const Id = NodeId
const Line = Type.String({ maxLength: 300, pattern: oneLine })
const Reason = Type.String({ maxLength: 8192, pattern: keptText })
const Platform = Type.Enum(['ios', 'android'])

// Of each fact. The number is one of a row of the controller's table: within a build they go up.
const fact = { number: Type.String({ pattern: '^\\d{1,19}$' }), at: Timestamp }
const ofBuild = { ...fact, buildId: Id }
const ofAttempt = { ...ofBuild, workerId: nullable(Id), attempt: Type.Integer({ minimum: 1 }) }
const ofWorker = { ...fact, workerId: Id }
const idOf = ({ buildId, number }: { buildId: string; number: string }) =>
  `build.${buildId}.${number}`
const workerFactOf = ({ workerId, number }: { workerId: string; number: string }) =>
  `worker.${workerId}.${number}`

export const buildSubmitted = defineRecord(
  'corro.build.submitted.{buildId}',
  'A build waits for a worker; its files are on the disk.',
  Type.Object({
    ...ofBuild,
    platform: Platform,
    owner: Line,
    sourceBytes: Type.Integer(),
    retryOf: Type.Optional(Id),
  }),
  idOf,
)

export const buildAssigned = defineRecord(
  'corro.build.assigned.{buildId}',
  'A worker was given a build.',
  Type.Object({ ...ofAttempt, waitedMs: Type.Number({ description: 'since it was submitted' }) }),
  idOf,
)

export const buildStarted = defineRecord(
  'corro.build.started.{buildId}',
  'A build gave its first sign of life.',
  Type.Object(ofAttempt),
  idOf,
)

export const buildCompleted = defineRecord(
  'corro.build.completed.{buildId}',
  'A build has its result.',
  Type.Object({ ...ofAttempt, resultBytes: Type.Integer(), tookMs: Type.Number() }),
  idOf,
)

export const buildFailed = defineRecord(
  'corro.build.failed.{buildId}',
  'A build has ended without a result, and is not tried again by itself.',
  Type.Object({
    ...ofAttempt,
    reason: Type.Optional(Reason),
    failure: Type.Optional(Type.Literal('time-limit')),
    tookMs: Type.Optional(Type.Number()),
  }),
  idOf,
)

const lost = {
  ...ofAttempt,
  reason: Reason,
  failure: Type.Enum(['lost-worker', 'abandoned', 'time-limit']),
}

export const buildRequeued = defineRecord(
  'corro.build.requeued.{buildId}',
  'A build was taken back from its worker and waits again.',
  Type.Object(lost),
  idOf,
)

export const buildDead = defineRecord(
  'corro.build.dead.{buildId}',
  'A build was taken back from its worker once too often.',
  Type.Object(lost),
  idOf,
)

export const buildCancelled = defineRecord(
  'corro.build.cancelled.{buildId}',
  'A build is not wanted any more. Its worker hears so with its next sign of life.',
  Type.Object({ ...ofBuild, workerId: nullable(Id), reason: Reason }),
  idOf,
)

export const workerRegistered = defineRecord(
  'corro.worker.registered.{workerId}',
  'A worker came, or came again.',
  Type.Object({ ...ofWorker, name: Line, platforms: Type.Array(Platform, { maxItems: 2 }) }),
  workerFactOf,
)

export const workerDraining = defineRecord(
  'corro.worker.draining.{workerId}',
  'A worker is given nothing new.',
  Type.Object(ofWorker),
  workerFactOf,
)

export const workerReturned = defineRecord(
  'corro.worker.returned.{workerId}',
  'A worker is given builds again.',
  Type.Object(ofWorker),
  workerFactOf,
)

export const workerLeft = defineRecord(
  'corro.worker.left.{workerId}',
  'A worker went in order.',
  Type.Object(ofWorker),
  workerFactOf,
)

/** Who did what at a build controller itself; what comes through a gateway, the gateway notes. */
export const buildAudited = defineRecord(
  'corro.build.audited.{controllerId}',
  'A request that submits, steers or administers was carried out or failed, or any was refused.',
  Type.Object({
    ...fact,
    controllerId: Id,
    by: nullable(Line, { description: 'whose key it is; null: nobody known' }),
    action: Line,
    target: nullable(Line, { description: 'build, worker or key' }),
    status: Type.Integer({ description: 'of the answer' }),
    remoteAddress: Line,
  }),
  ({ controllerId, number }) => `audited.${controllerId}.${number}`,
)

export const buildRecords = [
  buildSubmitted,
  buildAssigned,
  buildStarted,
  buildCompleted,
  buildFailed,
  buildRequeued,
  buildDead,
  buildCancelled,
  workerRegistered,
  workerDraining,
  workerReturned,
  workerLeft,
] as const

const Count = Type.Integer({ minimum: 0 })

export const BuildCounts = Type.Object({
  total: Count,
  pending: Count,
  assigned: Count,
  building: Count,
  completed: Count,
  failed: Count,
  cancelled: Count,
  dead: Count,
})
export type BuildCounts = Static<typeof BuildCounts>

export const BuildWorkerCounts = Type.Object({
  total: Count,
  idle: Count,
  building: Count,
  draining: Count,
  offline: Count,
})
export type BuildWorkerCounts = Static<typeof BuildWorkerCounts>

/** Said every second by each build controller. */
export const buildControllerAnnounced = defineHint(
  'corro.hint.builds.{controllerId}',
  'A build controller is here: its queue and its workers. All that share a database say the same of them.',
  Type.Object({
    controllerId: Id,
    version: Type.String({ maxLength: 64 }),
    startedAt: Timestamp,
    announcedAt: Timestamp,
    isReady: Type.Boolean(),
    waitingPolls: Count,
    builds: nullable(BuildCounts, { description: 'null: its database does not answer' }),
    workers: nullable(BuildWorkerCounts),
    claimMs: nullable(Type.Object({ n: Count, p50: Type.Number(), p99: Type.Number() }), {
      description: 'the last claims of this controller, up to 1,000; null: there were none',
    }),
  }),
)
export type BuildControllerAnnounced = Static<typeof buildControllerAnnounced.schema>

/** A build, for people. */
export const BuildSummary = Type.Object({
  id: Id,
  platform: Platform,
  status: BuildStatus,
  owner: Line,
  labels: Type.Array(Line),
  priority: Type.Integer(),
  submittedAt: Timestamp,
  assignedAt: nullable(Timestamp),
  startedAt: nullable(Timestamp),
  finishedAt: nullable(Timestamp),
  attempt: Type.Integer(),
  losses: Type.Integer(),
  workerId: nullable(Id),
  workerName: nullable(Line),
  reason: nullable(Reason),
  sourceBytes: Type.Integer(),
  resultBytes: nullable(Type.Integer()),
  retryOf: nullable(Id),
  logLines: Type.Integer(),
})
export type BuildSummary = Static<typeof BuildSummary>

export const BuildWorker = Type.Object({
  id: Id,
  name: Line,
  platforms: Type.Array(Line),
  labels: Type.Array(Line),
  status: Type.Enum(['idle', 'building', 'draining', 'offline']),
  buildId: nullable(Id),
  completed: Count,
  failed: Count,
  registeredAt: Timestamp,
  seenAt: Timestamp,
})
export type BuildWorker = Static<typeof BuildWorker>

export const BuildLogLine = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  at: Timestamp,
  level: Type.Enum(['info', 'warn', 'error']),
  message: Type.String(),
})
export type BuildLogLine = Static<typeof BuildLogLine>

const within = { timeoutMs: 5000 }

export const buildsQueried = defineCommand(
  'corro.command.build-controller.builds',
  'Builds, newest first.',
  {
    request: Type.Object({
      status: Type.Optional(BuildStatus),
      platform: Type.Optional(Platform),
      workerId: Type.Optional(Id),
      after: Type.Optional(Id),
      limit: Type.Integer({ minimum: 1, maximum: 500 }),
    }),
    reply: Type.Object({ builds: Type.Array(BuildSummary), counts: BuildCounts }),
    ...within,
  },
)

export const buildQueried = defineCommand(
  'corro.command.build-controller.build',
  'One build, and what happened to it.',
  {
    request: Type.Object({ id: Id }),
    reply: Type.Object({
      build: nullable(BuildSummary, { description: 'null: there is none' }),
      events: Type.Array(
        Type.Object({
          kind: Line,
          at: Timestamp,
          workerId: nullable(Id),
          reason: nullable(Reason),
        }),
      ),
    }),
    ...within,
  },
)

export const buildLogQueried = defineCommand(
  'corro.command.build-controller.log',
  'Lines of the log of a build, up to 500 KB at once.',
  {
    request: Type.Object({
      id: Id,
      after: Type.Integer({ minimum: 0, description: 'number of the last line known' }),
      limit: Type.Integer({ minimum: 1, maximum: 2000 }),
    }),
    reply: Type.Object({
      lines: Type.Array(BuildLogLine),
      status: nullable(BuildStatus, { description: 'null: there is no such build' }),
    }),
    ...within,
  },
)

export const buildWorkersQueried = defineCommand(
  'corro.command.build-controller.workers',
  'Workers, seen last first.',
  {
    request: Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 1000 }) }),
    reply: Type.Object({ workers: Type.Array(BuildWorker), counts: BuildWorkerCounts }),
    ...within,
  },
)

export const buildThroughputQueried = defineCommand(
  'corro.command.build-controller.throughput',
  'How many builds ended, by hour, and how long they waited and took.',
  {
    request: Type.Object({ hours: Type.Integer({ minimum: 1, maximum: 168 }) }),
    reply: Type.Object({
      hours: Type.Array(
        Type.Object({
          from: Timestamp,
          completed: Count,
          failed: Count,
          cancelled: Count,
          dead: Count,
          waitedP50Ms: nullable(Type.Number()),
          tookP50Ms: nullable(Type.Number()),
        }),
      ),
    }),
    ...within,
  },
)

export const buildSteered = defineCommand(
  'corro.command.build-controller.steer',
  'Cancels a build, or makes another one of the same source.',
  {
    request: Type.Object({ id: Id, to: Type.Enum(['cancel', 'retry']) }),
    reply: Type.Object({ id: Id, status: BuildStatus }),
    ...within,
  },
)

export const buildWorkerSteered = defineCommand(
  'corro.command.build-controller.steer-worker',
  'Lets a worker end what it builds and gives it nothing more, or gives it builds again.',
  {
    request: Type.Object({ id: Id, to: Type.Enum(['draining', 'here']) }),
    reply: Type.Object({ id: Id }),
    ...within,
  },
)

export const buildCommands = [
  buildsQueried,
  buildQueried,
  buildLogQueried,
  buildWorkersQueried,
  buildThroughputQueried,
  buildSteered,
  buildWorkerSteered,
] as const
