import { maxContentBytes } from '@corroport/contracts'
import { version } from '@corroport/service'
import swagger from '@fastify/swagger'
import { refuseForeignPages } from './access/foreign-pages.ts'
import { type App, createHttpServer, type HttpServerOptions } from './http-server.ts'
import { type AggregationDeps, registerAggregation } from './routes/aggregation.ts'
import { type AnalyticsDeps, registerAnalytics } from './routes/analytics.ts'
import { type ConfigRoutesDeps, registerConfig } from './routes/config.ts'
import { type ConvergenceDeps, registerConvergence } from './routes/convergence.ts'
import { type DiagnosisDeps, registerDiagnosis } from './routes/diagnosis.ts'
import { type EventsDeps, registerEvents } from './routes/events.ts'
import { type ExperimentsDeps, registerExperiments } from './routes/experiments.ts'
import { registerHealth } from './routes/health.ts'
import { type MeasurementsDeps, registerMeasurements } from './routes/measurements.ts'
import { registerMembers } from './routes/members.ts'
import { type MessagesDeps, registerMessages } from './routes/messages.ts'
import { type NodesDeps, registerNodes } from './routes/nodes.ts'
import { type OperationsDeps, registerOperations } from './routes/operations.ts'
import { type ReceptionsDeps, registerReceptions } from './routes/receptions.ts'
import { registerStatus } from './routes/status.ts'
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
  Parameters<typeof registerMembers>[1] &
  Parameters<typeof registerStatus>[1]

/** The web API. */
export async function createApp(deps: AppDeps): Promise<App> {
  const app = createHttpServer({ ...deps, bodyLimit })
  refuseForeignPages(app)
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
  registerMessages(app, deps)
  registerReceptions(app, deps)
  registerTracking(app, deps)
  registerNodes(app, deps)
  registerEvents(app, deps)
  registerDiagnosis(app, deps)
  registerMembers(app, deps)
  registerStatus(app, deps)
  registerConvergence(app, deps)
  registerOperations(app, deps)
  registerConfig(app, deps)
  registerExperiments(app, deps)
  registerMeasurements(app, deps)
  registerAnalytics(app, deps)
  registerAggregation(app, deps)
  registerHealth(app, deps)
  app.get('/api/openapi.json', () => app.swagger())
  return app
}
