import { buildStatuses } from '@corroport/contracts'
import { createMetrics } from '@corroport/service'

/** What values a label can have, so that a series more per value is never one without end. */
export interface Bound {
  /** For people: `gossip, direct`. */
  says: string
  holds: (value: string) => boolean
}

export interface Metric {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  /** `seconds`, `bytes` and `ratio` end the name; a `boolean` is 1 or 0; else what is counted. */
  unit: string
  help: string
  labels?: Readonly<Record<string, Bound>>
  /** The services that expose it. */
  by: readonly [string, ...string[]]
}

const oneOf = (...values: readonly string[]): Bound => ({
  says: values.join(', '),
  holds: (value) => values.includes(value),
})
const like = (pattern: RegExp, says: string): Bound => ({
  says,
  holds: (value) => pattern.test(value),
})

const transport = oneOf('gossip', 'direct')
const plane = oneOf('corrosion', 'nats', 'postgres')
const table = like(/^[A-Za-z0-9_]+$/, 'the tables of FOLLOWED_TABLES')
const stream = like(/^[A-Z]+$/, 'the streams of docs/events.md')
const status = like(/^[1-5]\d\d$/, 'status codes of HTTP')
const buildRoute = like(/^(none|\/[\w/:.-]*)$/, 'the routes of docs/build-controller.md')
const method = like(/^[A-Z]+$/, 'methods of HTTP')
const node = like(/^[A-Za-z0-9_-]+$/, 'the members')
const region = like(/^[A-Za-z0-9_-]+$/, 'the regions of EDGEPROXY_REGIONS_PATH')
const backend = like(/^[\x21-\x7e]{1,128}$/, 'the ids of the table backends')
const dataset = like(/^(corrosion|postgres|[A-Z]+)$/, 'corrosion, postgres, the streams')

/** Every metric of CorroPort's own. Node's (`nodejs_…`, `process_…`) are added to each process. */
export const metrics: readonly Metric[] = [
  {
    name: 'corro_ack_arrived_total',
    type: 'counter',
    unit: 'acknowledgements',
    help: 'Acknowledgements that came, by what was done with them',
    labels: {
      transport,
      outcome: oneOf(
        'stored',
        'duplicate',
        'unknown',
        'misdirected',
        'own',
        'malformed',
        'unannounced',
        'forged',
      ),
    },
    by: ['gateway'],
  },
  {
    name: 'corro_ack_delivery_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'One attempt, from signing to the answer of the origin.',
    by: ['ack-sender'],
  },
  {
    name: 'corro_ack_failed_total',
    type: 'counter',
    unit: 'acknowledgements',
    help: 'Acknowledgements that were given up.',
    labels: { cause: oneOf('not-tracked', 'refused', 'too-old', 'never-announced') },
    by: ['ack-sender'],
  },
  {
    name: 'corro_ack_owed',
    type: 'gauge',
    unit: 'acknowledgements',
    help: 'Acknowledgements that their origins have not confirmed yet.',
    by: ['ack-sender'],
  },
  {
    name: 'corro_ack_receipts_total',
    type: 'counter',
    unit: 'messages',
    help: 'Messages of other nodes that reached this node for the first time.',
    labels: { transport },
    by: ['ack-sender'],
  },
  {
    name: 'corro_ack_retries_total',
    type: 'counter',
    unit: 'attempts',
    help: 'Attempts that failed and are made again.',
    by: ['ack-sender'],
  },
  {
    name: 'corro_ack_round_trip_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'From arming a message to the arrival of an acknowledgement',
    labels: { transport },
    by: ['gateway'],
  },
  {
    name: 'corro_ack_sent_total',
    type: 'counter',
    unit: 'acknowledgements',
    help: 'Acknowledgements that their origins confirmed.',
    labels: { transport },
    by: ['ack-sender'],
  },
  {
    name: 'corro_agent_cpu_ratio',
    type: 'gauge',
    unit: 'ratio',
    help: "Processor of the agent's process, of one core, over the last sample",
    by: ['config-manager'],
  },
  {
    name: 'corro_agent_database_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: "Size of the agent's database",
    by: ['config-manager'],
  },
  {
    name: 'corro_agent_missing_versions',
    type: 'gauge',
    unit: 'versions',
    help: 'Versions that the agent knows of and does not hold',
    by: ['gateway'],
  },
  {
    name: 'corro_agent_p99_lag_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: "The agent's own p99 of commits, wrong by the clocks",
    by: ['gateway'],
  },
  {
    name: 'corro_agent_queued_changes',
    type: 'gauge',
    unit: 'changes',
    help: 'Changes that the agent has still to apply',
    by: ['gateway'],
  },
  {
    name: 'corro_agent_resident_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: "Memory of the agent's process",
    by: ['config-manager'],
  },
  {
    name: 'corro_agent_wal_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: "Size of the agent's write-ahead log",
    by: ['config-manager'],
  },
  {
    name: 'corro_analytics_batch_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'One batch, from its records to its commit.',
    labels: { stream },
    by: ['analytics'],
  },
  {
    name: 'corro_analytics_lag_records',
    type: 'gauge',
    unit: 'records',
    help: 'Records of a stream behind the last one that was dealt with.',
    labels: { stream },
    by: ['analytics'],
  },
  {
    name: 'corro_analytics_records_total',
    type: 'counter',
    unit: 'records',
    help: 'Records dealt with: stored, duplicate or refused.',
    labels: { stream, outcome: oneOf('stored', 'duplicate', 'refused') },
    by: ['analytics'],
  },
  {
    name: 'corro_build_workers',
    type: 'gauge',
    unit: 'workers',
    help: 'Workers, by what they do',
    labels: { status: oneOf('idle', 'building', 'draining', 'offline') },
    by: ['build-controller'],
  },
  {
    name: 'corro_builds',
    type: 'gauge',
    unit: 'builds',
    help: 'Builds that are kept, by status',
    labels: { status: oneOf(...buildStatuses) },
    by: ['build-controller'],
  },
  {
    name: 'corro_builds_claim_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'The transaction that looks for a build for a worker',
    labels: { outcome: oneOf('claimed', 'again', 'none', 'draining', 'unknown-worker') },
    by: ['build-controller'],
  },
  {
    name: 'corro_builds_request_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Requests of submitters, workers and their machines',
    labels: { route: buildRoute, method, status },
    by: ['build-controller'],
  },
  {
    name: 'corro_canary_negative_total',
    type: 'counter',
    unit: 'canaries',
    help: "Canaries that came before they were written, since their node's clock is ahead",
    by: ['config-manager'],
  },
  {
    name: 'corro_canary_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: "From a canary's writing, by its node's clock, to its sight here; looked for each second",
    by: ['config-manager'],
  },
  {
    name: 'corro_clock_alarm',
    type: 'gauge',
    unit: 'boolean',
    help: "1: further from another node's clock than Corrosion bears.",
    labels: { node },
    by: ['analytics'],
  },
  {
    name: 'corro_clock_bound_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'The offset of the clock may be wrong by so much.',
    labels: { node },
    by: ['analytics'],
  },
  {
    name: 'corro_clock_offset_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: "A node's clock less the one of analytics.",
    labels: { node },
    by: ['analytics'],
  },
  {
    name: 'corro_cluster_changes_total',
    type: 'counter',
    unit: 'changes',
    help: 'Changes of what the status says, by what changed',
    labels: {
      what: oneOf(
        'overall',
        'plane',
        'jetstream-writable',
        'stream-leader',
        'stream-quorum',
        'postgres-role',
      ),
    },
    by: ['gateway'],
  },
  {
    name: 'corro_cluster_disagreements',
    type: 'gauge',
    unit: 'disagreements',
    help: 'Where the planes disagree',
    by: ['gateway'],
  },
  {
    name: 'corro_cluster_expected_members',
    type: 'gauge',
    unit: 'nodes',
    help: 'Declared and announced nodes',
    by: ['gateway'],
  },
  {
    name: 'corro_cluster_members',
    type: 'gauge',
    unit: 'nodes',
    help: 'Nodes by plane and state',
    labels: { plane, state: oneOf('alive', 'suspect', 'down', 'present', 'lost', 'unheard') },
    by: ['gateway'],
  },
  {
    name: 'corro_cluster_membership_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Age of what SWIM said',
    by: ['gateway'],
  },
  {
    name: 'corro_failover_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: "From the last beat of another node's coordinator that was seen here to this one's taking over",
    by: ['config-manager'],
  },
  {
    name: 'corro_gateway_refused_total',
    type: 'counter',
    unit: 'requests',
    help: 'Requests refused for who sent them or how often, by status',
    labels: { status },
    by: ['gateway'],
  },
  {
    name: 'corro_gateway_request_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'HTTP requests by route',
    labels: {
      // A value in a path would be a series of its own; values hold digits or capitals, routes do not.
      route: like(
        /^(none|\*|\/|(\/([a-z._-]+|:[a-zA-Z]+|\*))+\/?)$/,
        'the routes of the API, or none',
      ),
      method: like(/^[A-Z-]{3,16}$/, 'methods of HTTP'),
      status,
    },
    by: ['gateway'],
  },
  {
    name: 'corro_gateway_sockets_refused_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections ended at once, since too many are open',
    by: ['gateway'],
  },
  {
    name: 'corro_gateway_unconfirmed_events',
    type: 'gauge',
    unit: 'events',
    help: 'Events that NATS has not confirmed',
    by: ['gateway'],
  },
  {
    name: 'corro_join_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Until this node was active: from the command to join, else from when it began to join',
    by: ['config-manager'],
  },
  {
    name: 'corro_live_readers',
    type: 'gauge',
    unit: 'streams',
    help: 'Open streams of events',
    by: ['gateway'],
  },
  {
    name: 'corro_message_sent_total',
    type: 'counter',
    unit: 'messages',
    help: 'Messages by how sending them ended',
    labels: { transport, outcome: oneOf('accepted', 'failed', 'unknown') },
    by: ['gateway'],
  },
  {
    name: 'corro_nats_expected_routes',
    type: 'gauge',
    unit: 'routes',
    help: 'Routes that a server should have to the others',
    by: ['gateway'],
  },
  {
    name: 'corro_nats_round_trip_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'From the gateway to its server of NATS and back',
    by: ['gateway'],
  },
  {
    name: 'corro_nats_routes',
    type: 'gauge',
    unit: 'routes',
    help: 'Routes of a server that are up',
    by: ['gateway'],
  },
  {
    name: 'corro_plane_ok',
    type: 'gauge',
    unit: 'boolean',
    help: '1 where a plane is ok, 0 where it is not',
    labels: { plane },
    by: ['gateway'],
  },
  {
    name: 'corro_postgres_latency_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How long a SELECT 1 takes',
    by: ['gateway'],
  },
  {
    name: 'corro_postgres_pool_waiting',
    type: 'gauge',
    unit: 'queries',
    help: 'Queries that wait for a connection',
    by: ['gateway'],
  },
  {
    name: 'corro_replication_effective',
    type: 'gauge',
    unit: 'copies',
    help: 'Copies that are there',
    labels: { dataset },
    by: ['gateway'],
  },
  {
    name: 'corro_replication_wanted',
    type: 'gauge',
    unit: 'copies',
    help: 'Copies that there should be',
    labels: { dataset },
    by: ['gateway'],
  },
  {
    name: 'corro_running_shares',
    type: 'gauge',
    unit: 'experiments',
    help: 'Experiments for which this node sends',
    by: ['gateway'],
  },
  {
    name: 'corro_share_delay_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Messages of experiments: sent less intended',
    by: ['gateway'],
  },
  {
    name: 'corro_stream_lag_messages',
    type: 'gauge',
    unit: 'messages',
    help: 'How far the replica furthest behind is',
    labels: { stream },
    by: ['gateway'],
  },
  {
    name: 'corro_stream_messages',
    type: 'gauge',
    unit: 'messages',
    help: 'Messages that a stream holds',
    labels: { stream },
    by: ['gateway'],
  },
  {
    name: 'corro_subscriber_audit_differing_rows',
    type: 'gauge',
    unit: 'rows',
    help: 'Rows that differed from the table in the last audit.',
    labels: { table },
    by: ['subscriber'],
  },
  {
    name: 'corro_subscriber_catch_up_rows_total',
    type: 'counter',
    unit: 'rows',
    help: 'Rows that only a comparison with the table found.',
    labels: { table },
    by: ['subscriber'],
  },
  {
    name: 'corro_subscriber_changes_total',
    type: 'counter',
    unit: 'changes',
    help: 'Row states told, by what showed them first.',
    labels: { table, via: oneOf('updates', 'subscription', 'catch-up') },
    by: ['subscriber'],
  },
  {
    name: 'corro_subscriber_outbox_events',
    type: 'gauge',
    unit: 'events',
    help: 'Events that NATS has not confirmed yet.',
    by: ['subscriber'],
  },
  {
    name: 'corro_subscriber_streams_lost_total',
    type: 'counter',
    unit: 'losses',
    help: 'Times the streams of a table ended or the agent stopped answering.',
    labels: { table },
    by: ['subscriber'],
  },
  {
    name: 'corro_subscriber_untold_rows_total',
    type: 'counter',
    unit: 'rows',
    help: 'Rows whose key is too large for an event.',
    labels: { table },
    by: ['subscriber'],
  },
  {
    name: 'corro_table_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Since a table was last followed live',
    labels: { table },
    by: ['gateway'],
  },
  {
    name: 'corro_tracked_messages',
    type: 'gauge',
    unit: 'messages',
    help: 'Messages whose acknowledgements are counted',
    by: ['gateway'],
  },
  {
    name: 'edgeproxy_accept_errors_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that could not be accepted for want of descriptors',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_affinity_entries',
    type: 'gauge',
    unit: 'clients',
    help: 'Clients that would be given the same backend again',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backend_connections_active',
    type: 'gauge',
    unit: 'connections',
    help: 'Connections to a backend that are open',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backend_connections_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that a backend accepted',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backend_errors_total',
    type: 'counter',
    unit: 'attempts',
    help: 'Attempts to connect to a backend that failed',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backend_rtt_ms',
    type: 'gauge',
    unit: 'milliseconds',
    help: 'How long the last connection to a backend took, by one of the threads',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backend_rtt_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long backends took to accept',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_backends',
    type: 'gauge',
    unit: 'rows',
    help: 'Rows of the table, by what they are to this proxy',
    labels: { state: oneOf('routing', 'refused', 'set-aside') },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_broken_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that ended by a reset',
    labels: { by: oneOf('client', 'backend', 'idle', 'stop') },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_bytes_received_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes that were received from a backend',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_bytes_sent_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes that were sent to a backend',
    labels: { region, backend },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_connections_active',
    type: 'gauge',
    unit: 'connections',
    help: 'Connections that are open',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_connections_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that were accepted',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_refused_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that were closed unserved',
    labels: {
      reason: oneOf(
        'proxy-full',
        'client-full',
        'bad-proxy-header',
        'unknown-server-name',
        'no-handshake',
        'no-backend',
        'unreachable',
        'out-of-descriptors',
      ),
    },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_retries_total',
    type: 'counter',
    unit: 'attempts',
    help: 'Attempts at another backend, after one failed',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_routed_total',
    type: 'counter',
    unit: 'connections',
    help: 'Connections that were given a backend, by what decided',
    labels: { by: oneOf('affinity', 'country', 'region', 'own-region', 'anywhere') },
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_table_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Since the table was in step with its source; NaN: never yet',
    by: ['edge-proxy'],
  },
  {
    name: 'edgeproxy_table_live',
    type: 'gauge',
    unit: 'boolean',
    help: '1: what is written is heard at once',
    by: ['edge-proxy'],
  },
]

/** Of the agents' own, what rules and dashboards stand on; an agent exposes many more. */
export const agentMetrics = [
  'corro_agent_changes_commit_lag_seconds',
  'corro_agent_changes_in_queue',
  'corro_broadcast_pending_count',
  'corro_build_info',
  'corro_changes_committed',
  'corro_db_size',
  'corro_db_wal_size',
  'corro_gossip_members',
  'corro_transport_connections',
] as const

/** Node's, which each process has. */
export const nodeMetrics: readonly string[] = createMetrics()
  .getMetricsAsArray()
  .map(({ name }) => name)

const names = new Set<string>([
  ...metrics.map(({ name }) => name),
  ...agentMetrics,
  ...nodeMetrics,
  // Prometheus' own.
  'up',
  'ALERTS',
])

/** Whether a name in an expression is exposed by somebody. */
export function isRegistered(name: string): boolean {
  return names.has(name) || names.has(name.replace(/_(bucket|sum|count)$/, ''))
}
