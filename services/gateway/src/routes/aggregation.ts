import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@corroport/bus'
import {
  AggregationReply,
  AggregationStart,
  AggregationStatusReply,
  AggregationStop,
  type Experiment,
  experimentCreated,
  experimentEnded,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import { askedBy } from '../access/policy.ts'
import { askForExperiment, askForList } from '../ask-analytics.ts'
import type { Config } from '../config.ts'
import { ProblemError, silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers, bodyIsOptional } from './responses.ts'

export interface AggregationDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  directory: Pick<Directory, 'nodes' | 'presence'>
}

const startLookEveryMs = 20
const longestStartMs = 5000

/** How the first CorroPort began and ended an experiment: of what one node sends. */
export function registerAggregation(app: App, { config, bus, directory }: AggregationDeps): void {
  const { nodeId } = config

  /** Analytics orders the share after its answer; what this node sends before does not belong to it. */
  const untilSending = async (id: string): Promise<void> => {
    const startedAt = performance.now()
    while (performance.now() - startedAt < longestStartMs) {
      const { experiment } = await askForExperiment(bus, id)
      const [share] = experiment.shares
      if (share && share.state !== 'waiting') {
        if (share.reason === null) return
        throw new ProblemError(409, `${nodeId} does not send for ${id}: ${share.reason}`)
      }
      await wait(startLookEveryMs)
    }
    throw new ProblemError(503, `${id} is begun, but ${nodeId} has not heard of it yet`)
  }
  const running = async (): Promise<Experiment[]> => {
    const { experiments } = await askForList(bus, { limit: 200 })
    return experiments
      .map(({ experiment }) => experiment)
      .filter(({ status }) => status === 'running')
  }

  app.post(
    '/api/analytics/aggregation/start',
    {
      config: { access: 'operator' },
      schema: { body: AggregationStart, response: answers(AggregationReply) },
    },
    async ({ body, principal }) => {
      const { experiment_id: id, message_count = 0, message_interval_ms = 1000, transport } = body
      const plan = {
        name: id,
        note: '',
        transports: [transport === 'pubsub' ? ('direct' as const) : ('gossip' as const)],
        origins: [nodeId],
        count: message_count,
        interval_ms: message_interval_ms,
        payload_bytes: 64,
        warmup: 0,
        seed: 0,
        repeat_of: null,
      }
      await bus
        .request(experimentCreated, {}, { id, plan, by: askedBy(principal), start: true })
        .catch(silentAnalytics)
      await untilSending(id)
      return { ...succeeded, experiment_id: id, ...answeredBy(nodeId) }
    },
  )

  app.post(
    '/api/analytics/aggregation/stop',
    {
      config: { access: 'operator' },
      schema: { body: AggregationStop, response: answers(AggregationReply) },
      ...bodyIsOptional,
    },
    async ({ body, principal }) => {
      const isOwn = ({ plan }: Experiment): boolean =>
        plan.origins.length === 1 && plan.origins[0] === nodeId
      const id = body.experiment_id ?? (await running()).find(isOwn)?.id
      if (id !== undefined) {
        await bus
          .request(experimentEnded, {}, { id, by: askedBy(principal) })
          .catch(silentAnalytics)
      }
      return { ...succeeded, experiment_id: id ?? null, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/analytics/aggregation/status',
    { config: { access: 'viewer' }, schema: { response: answers(AggregationStatusReply) } },
    async () => {
      const running_experiments = (await running()).map(({ id }) => id)
      const active_nodes = directory
        .nodes()
        .filter(({ announcement }) => directory.presence(announcement.nodeId) === 'present')
        .map(({ announcement }) => ({
          node_id: announcement.nodeId,
          region: announcement.region,
          phoenix_port: portOf(announcement.endpoints.api),
          is_local: announcement.nodeId === nodeId,
        }))
      return {
        status: 'success' as const,
        active_nodes,
        node_count: active_nodes.length,
        local_node_id: nodeId,
        running_experiments,
        timestamp: answeredBy(nodeId).timestamp,
      }
    },
  )
}

const succeeded = { status: 'success', result: 'ok' } as const

function portOf(endpoint: string | null): number | null {
  const port = /:(\d+)$/.exec(endpoint ?? '')?.[1]
  return port === undefined ? null : Number(port)
}
