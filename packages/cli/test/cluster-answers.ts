import type {
  ClusterMember,
  ClusterStatus,
  ConvergenceReply,
  Disagreement,
  MembersReply,
} from '@corroport/contracts'
import { timestamp } from './answers.ts'

// Of a cluster of three nodes that is well; a test says only what it needs to be different.

export function clusterMember(number: number, change: Partial<ClusterMember> = {}): ClusterMember {
  const isLocal = number === 1
  return {
    node_id: `node${number}`,
    actor_id: String(number).repeat(32),
    former_actor_ids: [],
    gossip_address: `127.0.0.1:878${6 + number}`,
    region: 'iad',
    is_local: isLocal,
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 400 },
    agent: { state: 'ready', since: timestamp, kind: 'real', version: '0.1.4' },
    swim: {
      state: isLocal ? null : 'alive',
      source: isLocal ? null : 'admin-socket',
      age_ms: isLocal ? null : 300,
      incarnation: 0,
      ring: 0,
      rtts_ms: isLocal ? [] : [0.41, 0.5],
      last_sync_at: isLocal ? null : '2026-01-15T09:59:58.123456Z',
      seen_by: { alive: 0, suspect: 0, down: 0, unlisted: 0 },
    },
    link: {
      state: isLocal ? 'unknown' : 'ok',
      canary_age_ms: isLocal ? null : 1200,
      partitioned_from: [],
    },
    is_agreed: true,
    ...change,
  }
}

export function membersReply(
  members: ClusterMember[],
  disagreements: Disagreement[] = [],
): MembersReply {
  return {
    members,
    disagreements,
    sources: {
      declared: { source: 'static', count: 3, age_ms: null, error: null },
      swim: { source: 'admin-socket', count: 2, age_ms: 300, error: null },
      nats: { connected: true, count: 3 },
    },
    node_id: 'node1',
    timestamp,
  }
}

export function clusterStatus(change: Partial<ClusterStatus> = {}): ClusterStatus {
  const age_ms = 900
  return {
    node: { id: 'node1', version: '0.1.0', started_at: timestamp, state: 'active', region: 'iad' },
    overall: 'ok',
    observed_at: timestamp,
    planes: {
      corrosion: {
        state: 'ok',
        age_ms,
        error: null,
        agent: 'reachable',
        actor_id: '1'.repeat(32),
        cluster_id: 0,
        members: {
          expected: 3,
          alive: 3,
          suspect: 0,
          down: 0,
          source: 'admin-socket',
          age_ms: 300,
        },
        replication: { gaps: 0, p99_lag_s: 0.012, queue: 0, heads: 3, needed_versions: 0, age_ms },
        subscriptions: [
          {
            table: 'node_messages',
            state: 'live',
            since: timestamp,
            last_change_at: timestamp,
            last_change_id: 12,
          },
        ],
      },
      nats: {
        state: 'ok',
        age_ms,
        error: null,
        connected_to: 'nats1',
        round_trip_ms: 0.4,
        monitor: { server: 'nats1', age_ms, error: null },
        cluster: 'corroport',
        routes: { expected: 2, up: 2 },
        jetstream: {
          meta_leader: 'nats1',
          meta_size: 3,
          meta_quorum: true,
          is_writable: true,
          streams: [
            {
              name: 'ACKS',
              exists: true,
              leader: 'nats1',
              replicas: { want: 3, have: 3, current: 3 },
              max_lag: 0,
              messages: 42,
            },
          ],
        },
        outbox: { unconfirmed: 0 },
      },
      postgres: {
        state: 'none',
        age_ms: null,
        error: null,
        role: 'none',
        latency_ms: null,
        version: null,
        replicas: [],
        pool: null,
        migrations: null,
      },
    },
    replication: [{ dataset: 'corrosion', wanted: 3, effective: 3, at_risk: false }],
    members: [
      {
        node_id: 'node2',
        corrosion: 'alive',
        nats: 'present',
        app: 'active',
        heard_age_ms: 400,
        is_agreed: true,
      },
    ],
    disagreements: [],
    ...change,
  }
}

export function convergenceReply(change: Partial<ConvergenceReply> = {}): ConvergenceReply {
  const node_ids = ['node1', 'node2', 'node3']
  const groups = [{ digest: 'ab'.repeat(32), rows: 12, node_ids }]
  return {
    is_converged: true,
    tables: [{ table: 'node_messages', is_equal: true, rows: 12, groups }],
    answered: node_ids.map((node_id) => ({ node_id, taken_at: timestamp })),
    unanswered: [],
    left_out: ['node_canaries'],
    node_id: 'node1',
    timestamp,
    ...change,
  }
}

/** One node has other rows, and another one did not answer. */
export function divergedReply(): ConvergenceReply {
  const groups = [
    { digest: 'ab'.repeat(32), rows: 12, node_ids: ['node1', 'node2'] },
    { digest: 'cd'.repeat(32), rows: 11, node_ids: ['node3'] },
  ]
  return convergenceReply({
    is_converged: false,
    tables: [{ table: 'node_messages', is_equal: false, rows: null, groups }],
    unanswered: [{ node_id: 'node4', reason: 'not heard on NATS for 9.0 s' }],
  })
}
