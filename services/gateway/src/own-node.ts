import type { Bus } from '@corroport/bus'
import {
  type DiagnosisStep,
  type NodeReply,
  nodeDescribed,
  nodeDiagnosed,
  nowMicroseconds,
  subscriberStatusQueried,
  toTimestamp,
} from '@corroport/contracts'
import { type Health, version } from '@corroport/service'
import type { AgentProbe } from './agent-probe.ts'
import type { Config } from './config.ts'
import { type DiagnosisDeps, diagnose } from './diagnose.ts'
import type { Tracker } from './tracker.ts'

/** This node, for its own pages and for those of others. */
export interface OwnNode extends AsyncDisposable {
  describe(): Promise<NodeReply>
  diagnose(): Promise<DiagnosisStep[]>
}

export interface OwnNodeDeps extends DiagnosisDeps {
  config: Pick<Config, 'nodeId' | 'region' | 'agent'>
  bus: Bus
  tracker: Pick<Tracker, 'count'>
  probe: AgentProbe
  health: Health
}

/** Answers what other gateways ask of this node. */
export function startOwnNode(deps: OwnNodeDeps): OwnNode {
  const { config, bus, tracker, probe, health } = deps
  const { nodeId } = config
  const startedAt = toTimestamp(nowMicroseconds())

  const node = {
    async describe(): Promise<NodeReply> {
      const subscriptions = await askSubscriber(bus, nodeId)
      const { state, actorId, answeredInMs, error } = probe.status
      return {
        node_id: nodeId,
        region: config.region,
        version,
        started_at: startedAt,
        agent: {
          url: config.agent.url,
          state,
          actor_id: actorId,
          answered_in_ms: answeredInMs,
          error,
        },
        subscriptions,
        tracked_messages: tracker.count,
        checks: health.ready().checks,
        timestamp: toTimestamp(nowMicroseconds()),
      }
    },
    diagnose: () => diagnose(deps),
  }
  const stack = new AsyncDisposableStack()
  stack.use(bus.respond(nodeDescribed, { nodeId }, () => node.describe()))
  stack.use(bus.respond(nodeDiagnosed, { nodeId }, async () => ({ steps: await node.diagnose() })))
  return { ...node, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function askSubscriber(bus: Bus, nodeId: string): Promise<NodeReply['subscriptions']> {
  try {
    const { tables } = await bus.request(subscriberStatusQueried, { nodeId }, {})
    return tables.map(({ table, state, since, rows, lastChangeAt }) => ({
      table,
      state,
      since,
      rows,
      last_change_at: lastChangeAt,
    }))
  } catch {
    return null // the contract's word for a subscriber that does not answer
  }
}
