import type { Bus } from '@corroport/bus'
import {
  type ClusterStatus,
  type MembersReply,
  nodeLostAfterMs,
  type SwimState,
  subscriberStatusQueried,
} from '@corroport/contracts'
import type { CorrosionClient, Health } from '@corroport/corrosion-client'
import type { HeardView } from '@corroport/identity'
import { lookDeadlineMs, type Reading, type Sampler, startSampler } from './sampler.ts'

export type CorrosionPlane = ClusterStatus['planes']['corrosion']

/** What the agent of this node tells of itself. */
interface AgentFacts {
  actorId: string
  clusterId: number
  gaps: number
  heads: number
}

export type FollowedTables = CorrosionPlane['subscriptions']

export interface CorrosionSamplers {
  agent: Sampler<AgentFacts>
  health: Sampler<Health>
  feeds: Sampler<FollowedTables>
}

const query = `
  SELECT lower(hex(crsql_site_id())),
    (SELECT value FROM __corro_state WHERE key = 'cluster_id'),
    (SELECT count(*) FROM crsql_db_versions)`

export function startCorrosionSamplers(
  { agent, bus, nodeId }: { agent: CorrosionClient; bus: Bus; nodeId: string },
  onLooked: () => void,
): CorrosionSamplers {
  const timeoutMs = lookDeadlineMs
  return {
    agent: startSampler({
      onLooked,
      look: async (signal) => {
        const [{ rows }, gaps] = await Promise.all([
          agent.query(query, { signal, timeoutMs }),
          agent.missingVersions({ signal, timeoutMs }),
        ])
        const [actorId, ...counts] = rows[0] ?? []
        // NULL where no cluster id was set.
        const [clusterId = 0, heads = 0] = counts.map(Number)
        return { actorId: String(actorId), clusterId, gaps, heads }
      },
    }),
    // Apart, since an agent sheds this route early, and some have none.
    health: startSampler({ onLooked, look: (signal) => agent.health({}, { signal, timeoutMs }) }),
    feeds: startSampler({
      onLooked,
      look: async () => {
        const { tables } = await bus.request(subscriberStatusQueried, { nodeId }, {})
        return tables.map(({ table, state, since, lastChangeAt, lastChangeId }) => ({
          table,
          state,
          since,
          last_change_at: lastChangeAt,
          last_change_id: lastChangeId,
        }))
      },
    }),
  }
}

export interface CorrosionReadings {
  agent: Reading<AgentFacts>
  health: Reading<Health>
  feeds: Reading<FollowedTables>
  members: MembersReply
  /** What this node itself said last of what it sees. */
  ownView: HeardView | undefined
  isNatsConnected: boolean
}

// Beyond these an agent does not keep up; below, it is at work. Corrosion's own tests assert the same.
const mostGaps = 100
const longestQueue = 16_000

export function describeCorrosion(readings: CorrosionReadings): CorrosionPlane {
  const { agent, health, feeds } = readings
  const figures = health.value?.figures
  const plane: CorrosionPlane = {
    state: 'ok',
    age_ms: agent.ageMs,
    error: agent.error,
    agent: reachability[agent.state],
    actor_id: agent.lastFound?.actorId ?? null,
    cluster_id: agent.lastFound?.clusterId ?? null,
    members: countMembers(readings),
    replication: {
      gaps: agent.value?.gaps ?? null,
      p99_lag_s: figures?.p99LagSeconds ?? null,
      queue: figures?.queueSize ?? null,
      heads: agent.value?.heads ?? null,
      needed_versions: neededVersions(readings.ownView),
      age_ms: agent.ageMs,
    },
    subscriptions:
      feeds.value ?? (feeds.lastFound ?? []).map((feed) => ({ ...feed, state: 'unknown' })),
  }
  if (agent.state === 'stale') return { ...plane, state: 'unknown' }
  if (agent.state === 'failed') return { ...plane, state: 'unavailable' }
  const faults = faultsOf(plane, readings)
  return faults.length === 0 ? plane : { ...plane, state: 'degraded', error: faults.join('; ') }
}

const reachability = { found: 'reachable', failed: 'unreachable', stale: 'unknown' } as const

function faultsOf(
  { members, replication, subscriptions }: CorrosionPlane,
  { feeds, isNatsConnected }: CorrosionReadings,
): string[] {
  const { expected, alive } = members
  const { gaps, queue } = replication
  const isSilent = feeds.state === 'failed' && isNatsConnected
  return [
    ...(alive !== null && alive < expected ? [`${alive} of ${expected} members are alive`] : []),
    ...(gaps !== null && gaps > mostGaps ? [`${gaps} versions are missing`] : []),
    ...(queue !== null && queue > longestQueue ? [`${queue} changes wait to be applied`] : []),
    ...(isSilent ? ['the subscriber does not answer'] : []),
    ...subscriptions
      .filter(({ state }) => state !== 'live' && state !== 'unknown')
      .map(({ table, state }) => `the subscription of ${table} is ${state}`),
  ]
}

// Said each second, or read each two; the admin socket may have been slow once.
const swimLastsMs = 5000

function countMembers({ agent, members }: CorrosionReadings): CorrosionPlane['members'] {
  const { source, age_ms } = members.sources.swim
  // What only SWIM or a row has may be a node that was removed.
  const expected = members.members.filter(
    ({ is_local, declared, nats }) =>
      is_local || declared.is_declared || nats.presence !== 'unheard',
  )
  const isRecent = age_ms !== null && age_ms <= swimLastsMs
  const others = expected.filter(({ is_local }) => !is_local)
  const count = (wanted: SwimState): number | null =>
    isRecent ? others.filter(({ swim: { state } }) => state === wanted).length : null
  const alive = count('alive')
  return {
    expected: expected.length,
    // SWIM lists peers only.
    alive: alive === null ? null : alive + (agent.state === 'found' ? 1 : 0),
    suspect: count('suspect'),
    down: count('down'),
    source,
    age_ms,
  }
}

function neededVersions(view: HeardView | undefined): number | null {
  if (!view || view.ageMs() > nodeLostAfterMs) return null
  return view.view.sync?.neededVersions ?? null
}
