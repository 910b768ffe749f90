import { maxContentBytes } from '@corroport/contracts'
import { version } from '@corroport/service'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import swagger from '@fastify/swagger'
import { type AuditDeps, auditRequests } from './access/audit.ts'
import { guard } from './access/guard.ts'
import { createLimits } from './access/limits.ts'
import { type App, createHttpServer, type HttpServerOptions } from './http-server.ts'
import { type AggregationDeps, registerAggregation } from './routes/aggregation.ts'
import { type AnalyticsDeps, registerAnalytics } from './routes/analytics.ts'
import { type BuildRoutesDeps, registerBuilds } from './routes/builds.ts'
import { type ConfigRoutesDeps, registerConfig } from './routes/config.ts'
import { type ConvergenceDeps, registerConvergence } from './routes/convergence.ts'
import { type DeadLettersDeps, registerDeadLetters } from './routes/dead-letters.ts'
import { type DiagnosisDeps, registerDiagnosis } from './routes/diagnosis.ts'
import { type EdgeRoutesDeps, registerEdge } from './routes/edge.ts'
import { type EventsDeps, registerEvents } from './routes/events.ts'
import { type ExperimentsDeps, registerExperiments } from './routes/experiments.ts'
import { registerHealth } from './routes/health.ts'
import { type MeasurementsDeps, registerMeasurements } from './routes/measurements.ts'
import { type MembersRoutesDeps, registerMembers } from './routes/members.ts'
import { type MessageLifeDeps, registerMessageLife } from './routes/message-life.ts'
import { type MessagesDeps, registerMessages } from './routes/messages.ts'
import { type NodeDetailDeps, registerNodeDetail } from './routes/node-detail.ts'
import { type NodesDeps, registerNodes } from './routes/nodes.ts'
import { type OperationsDeps, registerOperations } from './routes/operations.ts'
import { registerPages } from './routes/pages.ts'
import { type QueryDeps, registerQuery } from './routes/query.ts'
import { type ReceptionsDeps, registerReceptions } from './routes/receptions.ts'
import { type RecordsDeps, registerRecords } from './routes/records.ts'
import { type RoundTripsDeps, registerRoundTrips } from './routes/round-trips.ts'
import { registerSession, type SessionDeps } from './routes/session.ts'
import { registerStatus } from './routes/status.ts'
import { registerTokens } from './routes/tokens.ts'
import { registerTracking, type TrackingDeps } from './routes/tracking.ts'

// A character of one byte may take six in JSON: \u0001.
const bodyLimit = 6 * maxContentBytes + 1024

export type AppDeps = Omit<HttpServerOptions, 'bodyLimit'> &
  MessagesDeps &
  ReceptionsDeps &
  TrackingDeps &
  NodesDeps &
  EventsDeps &
  DiagnosisDeps &
  ConfigRoutesDeps &
  OperationsDeps &
  ConvergenceDeps &
  ExperimentsDeps &
  MeasurementsDeps &
  AnalyticsDeps &
  AggregationDeps &
  QueryDeps &
  RecordsDeps &
  DeadLettersDeps &
  NodeDetailDeps &
  MembersRoutesDeps &
  BuildRoutesDeps &
  EdgeRoutesDeps &
  RoundTripsDeps &
  MessageLifeDeps &
  Omit<SessionDeps, 'limits'> &
  AuditDeps &
  Parameters<typeof registerHealth>[1] &
  Parameters<typeof registerStatus>[1] &
  Parameters<typeof registerPages>[1]

// The console brings everything itself; nothing of another origin is loaded, and nobody frames it.
const headersOfPages: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // Whoever ends TLS in front of this decides on it.
  strictTransportSecurity: false,
}

/** The web API and the console. */
export async function createApp(deps: AppDeps): Promise<App> {
  const app = createHttpServer({ ...deps, bodyLimit })
  // First, so that refusals have these headers too.
  await app.register(helmet, headersOfPages)
  const limits = await createLimits(app)
  auditRequests(app, deps)
  await guard(app, { ...deps, limits })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'CorroPort gateway',
        description: 'Messages, acknowledgements, experiments and live events of one node.',
        version,
      },
    },
  })
  registerSession(app, { ...deps, limits })
  registerTokens(app, deps)
  registerMessages(app, deps)
  registerReceptions(app, deps)
  registerTracking(app, deps)
  registerNodes(app, deps)
  registerEvents(app, deps)
  registerDiagnosis(app, deps)
  registerMembers(app, deps)
  registerEdge(app, deps)
  registerBuilds(app, deps)
  registerStatus(app, deps)
  registerConvergence(app, deps)
  registerOperations(app, deps)
  registerConfig(app, deps)
  registerExperiments(app, deps)
  registerMeasurements(app, deps)
  registerAnalytics(app, deps)
  registerAggregation(app, deps)
  registerQuery(app, deps)
  registerRecords(app, deps)
  registerDeadLetters(app, deps)
  registerNodeDetail(app, deps)
  registerRoundTrips(app, deps)
  registerMessageLife(app, deps)
  registerHealth(app, deps)
  app.get('/api/openapi.json', { config: { access: 'viewer' } }, () => app.swagger())
  await registerPages(app, deps)
  return app
}
