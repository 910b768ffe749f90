import type { Bus, StateFile } from '@corroport/bus'
import {
  type ClusterStatus,
  type MembersReply,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Views } from '@corroport/identity'
import { type Health, version } from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Members } from '../members/start-members.ts'
import { createChangeTeller } from './changes.ts'
import { describeCorrosion, startCorrosionSamplers } from './corrosion-plane.ts'
import { registerStatusMetrics } from './metrics.ts'
import { describeNats, startMonitorSampler, startNatsSampler } from './nats-plane.ts'
import { describePostgres, startPostgresSampler } from './postgres-plane.ts'
import { describeFactors } from './replication-factors.ts'

export interface StatusDeps {
  config: {
    nodeId: string
    region: string
    /** Undefined where there is no Postgres. */
    databaseUrl: string | undefined
    /** Undefined where nothing is known of the servers' monitoring. */
    natsMonitorUrl: string | undefined
  }
  agent: CorrosionClient
  bus: Bus
  views: Pick<Views, 'get'>
  members: Pick<Members, 'current'>
  /** Where changes are told from. */
  state: Pick<StateFile, 'transaction'>
  unconfirmedEvents: () => number
  health: Health
  registry: Registry
  /** After a look that found something changed. */
  onChange: () => void
  log: Logger
}

/** How this node and its cluster are, as far as this node can tell. */
export interface Status extends AsyncDisposable {
  /** From memory: nobody is asked, so it is there at once whatever is down. */
  current(): ClusterStatus
}

export function startStatus(deps: StatusDeps): Status {
  const { config, agent, bus, views, members, state, health, registry, log } = deps
  const { nodeId, region, databaseUrl, natsMonitorUrl } = config
  const startedAt = toTimestamp(nowMicroseconds())
  const samplers = new AsyncDisposableStack()

  const onLooked = (): void => {
    if (tellChanges(current())) deps.onChange()
  }
  const corrosion = startCorrosionSamplers({ agent, bus, nodeId }, onLooked)
  for (const sampler of Object.values(corrosion)) samplers.use(sampler)
  const nats = samplers.use(startNatsSampler({ bus, nodeId }, onLooked))
  const monitor =
    natsMonitorUrl === undefined
      ? undefined
      : samplers.use(startMonitorSampler({ natsMonitorUrl }, onLooked))
  const postgres =
    databaseUrl === undefined
      ? undefined
      : samplers.use(startPostgresSampler({ databaseUrl, bus, log }, onLooked))

  const natsNow = () =>
    describeNats({
      server: nats.read(),
      monitor: monitor?.read(),
      isConnected: bus.isConnected,
      unconfirmedEvents: deps.unconfirmedEvents(),
    })
  const planesNow = (reply: MembersReply) => ({
    corrosion: describeCorrosion({
      agent: corrosion.agent.read(),
      health: corrosion.health.read(),
      feeds: corrosion.feeds.read(),
      members: reply,
      ownView: views.get(nodeId),
      isNatsConnected: bus.isConnected,
    }),
    nats: natsNow(),
    postgres: describePostgres(postgres),
  })

  const current = (): ClusterStatus => {
    const reply = members.current()
    const planes = planesNow(reply)
    const own = reply.members.find(({ is_local }) => is_local)
    return {
      node: { id: nodeId, version, started_at: startedAt, state: own?.state ?? null, region },
      overall: overallOf(planes),
      observed_at: toTimestamp(nowMicroseconds()),
      planes,
      replication: describeFactors({ ...planes, postgres: postgres && postgres.read().value }),
      members: reply.members.flatMap((member) =>
        member.node_id === null
          ? []
          : {
              node_id: member.node_id,
              corrosion: member.swim.state,
              nats: member.nats.presence,
              app: member.state,
              heard_age_ms: member.nats.age_ms,
              is_agreed: member.is_agreed,
            },
      ),
      disagreements: reply.disagreements,
    }
  }

  const metrics = registerStatusMetrics(registry, current)
  const tellChanges = createChangeTeller({
    nodeId,
    state,
    log,
    onChange: (what) => metrics.changes.inc({ what }),
  })
  health.depend('jetstream', () => isOk(natsNow()), 'helps')
  if (postgres) health.depend('postgres', () => isOk(describePostgres(postgres)), 'helps')

  return { current, [Symbol.asyncDispose]: () => samplers.disposeAsync() }
}

type Planes = ClusterStatus['planes']

/**
 * Without agent and NATS a node can do nothing. Anything else that is not as it should be leaves it
 * something to do. What is not configured is as it should be, what is not known is not.
 */
function overallOf({ corrosion, nats, postgres }: Planes): ClusterStatus['overall'] {
  if (corrosion.agent === 'unreachable' && nats.state === 'unavailable') return 'unavailable'
  const states = [corrosion.state, nats.state, postgres.state]
  return states.every((state) => state === 'ok' || state === 'none') ? 'ok' : 'degraded'
}

function isOk({ state, error }: Planes['nats' | 'postgres']): { ok: boolean; detail?: string } {
  return { ok: state === 'ok', ...(error === null ? {} : { detail: error }) }
}
