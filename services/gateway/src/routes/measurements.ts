import type { Bus } from '@corroport/bus'
import {
  After,
  analyticsVacuumed,
  ClocksReply,
  clocksQueried,
  LedgerReply,
  ledgerQueried,
  NodeId,
  PropagationReply,
  propagationQueried,
  TableName,
  VacuumReply,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import type { Config } from '../config.ts'
import { silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers, bodyIsOptional } from './responses.ts'

export interface MeasurementsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const closed = { additionalProperties: false }
const ClocksQuery = Type.Object(
  {
    node: Type.Optional(NodeId),
    hours: Type.Optional(Type.Number({ minimum: 0.01, maximum: 24 * 28 })),
  },
  closed,
)
const PropagationQuery = Type.Object(
  {
    table: Type.Optional(TableName),
    origin: Type.Optional(NodeId),
    node: Type.Optional(NodeId),
    hours: Type.Optional(Type.Number({ minimum: 0.1, maximum: 24 * 28, default: 24 })),
    after: Type.Optional(After),
  },
  closed,
)

/** What analytics measures without an experiment. */
export function registerMeasurements(app: App, { config, bus }: MeasurementsDeps): void {
  const { nodeId } = config

  app.get(
    '/api/clocks',
    {
      config: { access: 'viewer' },
      schema: { querystring: ClocksQuery, response: answers(ClocksReply) },
    },
    async ({ query: { node, hours } }) => {
      const wanted = {
        ...(node === undefined ? {} : { nodeId: node }),
        ...(hours === undefined ? {} : { sinceHours: hours }),
      }
      const reply = await bus.request(clocksQueried, {}, wanted).catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/propagation',
    {
      config: { access: 'viewer' },
      schema: { querystring: PropagationQuery, response: answers(PropagationReply) },
    },
    async ({ query: { hours = 24, ...query } }) => {
      const reply = await bus
        .request(propagationQueried, {}, { ...query, sinceHours: hours })
        .catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )

  app.post(
    '/api/analytics/vacuum',
    { config: { access: 'admin' }, ...bodyIsOptional, schema: { response: answers(VacuumReply) } },
    async ({ principal }) => {
      const reply = await bus
        .request(analyticsVacuumed, {}, { by: askedBy(principal) })
        .catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/analytics/ledger',
    { config: { access: 'viewer' }, schema: { response: answers(LedgerReply) } },
    async () => {
      const reply = await bus.request(ledgerQueried, {}, {}).catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )
}
