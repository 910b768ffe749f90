// What a gateway of a large cluster answers, in which all is well.
import {
  type ClusterMember,
  type ClusterStatus,
  type MembersReply,
  type MessageSummary,
  type MessagesReply,
  type NodeSummary,
  type NodesReply,
  nowMicroseconds,
  type RecordsReply,
  type RoundTripsReply,
  regions,
  type SessionReply,
  toTimestamp,
} from '@corroport/contracts'

const codes = Object.keys(regions)
const actorOf = (index: number): string => index.toString(16).padStart(32, '0')
const regionOf = (index: number): string => codes[index % codes.length] ?? 'iad'
export const now = (): string => toTimestamp(nowMicroseconds())
const answered = () => ({ node_id: 'node1', timestamp: now() })
const startedAt = now()

/** By the path that is asked; `messages` may grow meanwhile. */
export function createAnswers(
  ids: readonly string[],
  messages: readonly MessageSummary[],
): Readonly<Record<string, () => object>> {
  const nodeCount = ids.length
  return {
    '/api/session': (): SessionReply => ({
      access: 'open',
      principal: { name: 'operator', role: 'admin', expires_at: null },
      is_read_only: false,
      version: '0.1.0',
      ...answered(),
    }),
    '/api/nodes': (): NodesReply => ({ nodes: ids.map(summaryOf), ...answered() }),
    '/api/cluster/members': (): MembersReply => ({
      members: ids.map(memberOf),
      disagreements: [],
      sources: {
        declared: { source: 'static', count: nodeCount, age_ms: 0, error: null },
        swim: { source: 'admin-socket', count: nodeCount - 1, age_ms: 400, error: null },
        nats: { connected: true, count: nodeCount },
      },
      ...answered(),
    }),
    '/api/cluster/status': () => statusOf(ids),
    '/api/cluster/round-trips': (): RoundTripsReply => ({
      nodes: ids.map((node_id, index) => ({
        node_id,
        region: regionOf(index),
        age_ms: 500,
        error: null,
      })),
      rtt_ms: ids.map((_from, i) =>
        ids.map((_to, j) => (i === j ? null : (100 + ((i * 3131 + j * 1717) % 20_000)) / 100)),
      ),
      samples: ids.map((_from, i) => ids.map((_to, j) => (i === j ? 0 : 20))),
      not_alive: [],
      mean_ms: 100,
      deviation_ms: 57,
      ...answered(),
    }),
    '/api/messages': (): MessagesReply => ({
      messages: messages.slice(-200).toReversed(),
      count: Math.min(200, messages.length),
      next: null,
      ...answered(),
    }),
    '/api/records': (): RecordsReply => ({ records: [], count: 0, is_cut: false, ...answered() }),
  }
}

function summaryOf(node_id: string, index: number): NodeSummary {
  return {
    node_id,
    is_local: index === 0,
    is_declared: true,
    presence: 'present',
    announced_at: now(),
    age_ms: 300,
    region: regionOf(index),
    actor_id: actorOf(index),
    agent_state: 'ready',
    agent_kind: 'real',
    agent_version: '1.0.0',
    api_endpoint: `10.0.0.1:${4001 + index}`,
    peer_endpoint: `10.0.0.1:${5001 + index}`,
    version: '0.1.0',
  }
}

function memberOf(
  node_id: string,
  index: number,
  { length: nodeCount }: readonly string[],
): ClusterMember {
  return {
    node_id,
    actor_id: actorOf(index),
    former_actor_ids: [],
    gossip_address: `10.0.0.1:${8787 + index}`,
    region: regionOf(index),
    is_local: index === 0,
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 300 },
    agent: { state: 'ready', since: startedAt, kind: 'real', version: '1.0.0' },
    swim: {
      state: 'alive',
      source: 'admin-socket',
      age_ms: 400,
      incarnation: 1,
      ring: index % 6,
      rtts_ms: [1 + (index % 200)],
      last_sync_at: startedAt,
      seen_by: { alive: nodeCount - 2, suspect: 0, down: 0, unlisted: 0 },
    },
    link: { state: 'ok', canary_age_ms: 900, partitioned_from: [] },
    is_agreed: true,
  }
}

export function statusOf(ids: readonly string[]): ClusterStatus {
  const nodeCount = ids.length
  const part = { state: 'ok', age_ms: 500, error: null } as const
  return {
    node: { id: 'node1', version: '0.1.0', started_at: startedAt, state: 'active', region: 'iad' },
    overall: 'ok',
    observed_at: now(),
    planes: {
      corrosion: {
        ...part,
        agent: 'reachable',
        actor_id: actorOf(0),
        cluster_id: 0,
        members: {
          expected: nodeCount,
          alive: nodeCount,
          suspect: 0,
          down: 0,
          source: 'admin-socket',
          age_ms: 400,
        },
        replication: {
          gaps: 0,
          p99_lag_s: 0.1,
          queue: 0,
          heads: nodeCount,
          needed_versions: 0,
          age_ms: 400,
        },
        subscriptions: [],
      },
      nats: {
        ...part,
        connected_to: '127.0.0.1:4222',
        round_trip_ms: 0.4,
        monitor: { server: null, age_ms: null, error: null },
        cluster: null,
        routes: null,
        jetstream: {
          meta_leader: null,
          meta_size: null,
          meta_quorum: null,
          is_writable: true,
          streams: [],
        },
        outbox: { unconfirmed: 0 },
      },
      postgres: {
        ...part,
        role: 'primary',
        latency_ms: 0.5,
        version: '18',
        replicas: [],
        pool: null,
        migrations: null,
      },
    },
    replication: [],
    members: ids.map((node_id) => ({
      node_id,
      corrosion: 'alive',
      nats: 'present',
      app: 'active',
      heard_age_ms: 300,
      is_agreed: true,
    })),
    disagreements: [],
  }
}
