/** An alert and what makes it fire: series as promtool writes them, one sample a minute. */
export interface AlertCase {
  alert: string
  series: Readonly<Record<string, string>>
  /** Minutes at which it does not fire yet, and at which it does. */
  silentAt: number
  firesAt: number
  /** Besides the severity. */
  labels: Readonly<Record<string, string>>
  summary: string
}

const gateway = 'job="corroport",node="node1",service="gateway"'
const gatewayLabels = { job: 'corroport', node: 'node1', service: 'gateway' }
const analytics = 'job="corroport",service="analytics"'
const analyticsLabels = { job: 'corroport', service: 'analytics' }
const subscriber = 'job="corroport",node="node1",service="subscriber"'
const subscriberLabels = { job: 'corroport', node: 'node1', service: 'subscriber' }
const sender = 'job="corroport",node="node1",service="ack-sender"'
const manager = 'job="corroport",node="node1",service="config-manager"'
const agent = 'job="corrosion",node="node1"'
const edge = 'job="corroport",node="node1",service="edge-proxy"'
const edgeLabels = { job: 'corroport', node: 'node1', service: 'edge-proxy' }
const builds = 'job="corroport",service="build-controller",instance="build-controller:9100"'
const node1 = { node: 'node1' }

export const alertCases: readonly AlertCase[] = [
  {
    alert: 'CorroServiceDown',
    series: { [`up{${gateway}}`]: '1 1 0x10', [`up{${analytics}}`]: '1x12' },
    silentAt: 2,
    firesAt: 4,
    labels: gatewayLabels,
    summary: 'gateway of node1 does not answer',
  },
  {
    alert: 'CorroServiceDown',
    series: { [`up{${analytics}}`]: '1 0x10' },
    silentAt: 0,
    firesAt: 3,
    labels: analyticsLabels,
    summary: 'analytics of the cluster does not answer',
  },
  {
    alert: 'CorroNothingScraped',
    series: { 'up{job="prometheus"}': '1x20', [`up{${gateway}}`]: '1x2 _x20' },
    silentAt: 7,
    firesAt: 15,
    labels: { job: 'corroport' },
    summary: 'Prometheus asks no service of CorroPort',
  },
  {
    alert: 'CorroServiceRestarts',
    series: { [`process_start_time_seconds{${gateway}}`]: '1 1 2 2 3 3 4x20' },
    silentAt: 5,
    firesAt: 7,
    labels: gatewayLabels,
    summary: 'gateway of node1 began 3 times in 15 minutes',
  },
  {
    alert: 'CorroEventLoopSlow',
    series: { [`nodejs_eventloop_lag_p99_seconds{${gateway}}`]: '0.1 0.6x20' },
    silentAt: 5,
    firesAt: 7,
    labels: gatewayLabels,
    summary: 'gateway of node1 is 600ms late',
  },
  {
    alert: 'CorroFilesRunOut',
    series: {
      [`process_open_fds{${gateway}}`]: '10 900x20',
      [`process_max_fds{${gateway}}`]: '1000x20',
    },
    silentAt: 5,
    firesAt: 7,
    labels: gatewayLabels,
    summary: 'gateway of node1 has 90% of its files open',
  },
  {
    alert: 'CorroAgentDown',
    series: { [`up{${agent}}`]: '1 0x10' },
    silentAt: 1,
    firesAt: 3,
    labels: node1,
    summary: 'The agent of node1 does not answer',
  },
  {
    // Where its own metrics are out of reach.
    alert: 'CorroAgentDown',
    series: {
      [`up{${gateway}}`]: '1x20',
      [`corro_agent_missing_versions{${gateway}}`]: '0 0 stale',
    },
    silentAt: 2,
    firesAt: 4,
    labels: node1,
    summary: 'The agent of node1 does not answer',
  },
  {
    alert: 'CorroAgentGaps',
    series: { [`corro_agent_missing_versions{${gateway}}`]: '0 7x20' },
    silentAt: 10,
    firesAt: 12,
    labels: gatewayLabels,
    summary: 'The agent of node1 lacks 7 versions that it knows of',
  },
  {
    alert: 'CorroAgentBehind',
    series: { [`corro_agent_queued_changes{${gateway}}`]: '0 20000x20' },
    silentAt: 2,
    firesAt: 4,
    labels: gatewayLabels,
    summary: '20000 changes wait to be applied by the agent of node1',
  },
  {
    alert: 'CorroAgentBehind',
    series: { [`corro_agent_changes_in_queue{${agent}}`]: '0 17000x20' },
    silentAt: 2,
    firesAt: 4,
    labels: { job: 'corrosion', node: 'node1' },
    summary: '17000 changes wait to be applied by the agent of node1',
  },
  {
    alert: 'CorroAgentLogLarge',
    series: { [`corro_agent_wal_bytes{${manager}}`]: '0 2147483648x20' },
    silentAt: 10,
    firesAt: 12,
    labels: { job: 'corroport', node: 'node1', service: 'config-manager' },
    summary: 'The write-ahead log of the agent of node1 has 2GiB',
  },
  {
    alert: 'CorroMemberMissing',
    series: {
      [`corro_cluster_expected_members{${gateway}}`]: '3x20',
      [`corro_cluster_members{${gateway},plane="corrosion",state="alive"}`]: '3 2x20',
    },
    silentAt: 2,
    firesAt: 4,
    labels: node1,
    summary: 'node1 sees 1 of the expected agents not alive',
  },
  {
    alert: 'CorroNodeLost',
    series: {
      [`corro_cluster_members{${gateway},plane="nats",state="lost"}`]: '0 1x20',
      [`corro_cluster_members{${gateway},plane="nats",state="unheard"}`]: '0 1x20',
    },
    silentAt: 1,
    firesAt: 3,
    labels: node1,
    summary: 'node1 does not hear 2 nodes over NATS',
  },
  {
    alert: 'CorroPlanesDisagree',
    series: { [`corro_cluster_disagreements{${gateway}}`]: '0 2x20' },
    silentAt: 5,
    firesAt: 7,
    labels: gatewayLabels,
    summary: 'node1 sees 2 disagreements of what is declared, SWIM and NATS',
  },
  {
    alert: 'CorroClockWrong',
    series: { [`corro_clock_alarm{${analytics},node="node2"}`]: '0 1x20' },
    silentAt: 1,
    firesAt: 3,
    labels: { ...analyticsLabels, node: 'node2' },
    summary: "The clock of node2 is further from another's than Corrosion bears",
  },
  {
    alert: 'CorroCanaryLate',
    series: {
      [`corro_canary_seconds_bucket{${manager},le="5"}`]: '0x30',
      [`corro_canary_seconds_bucket{${manager},le="10"}`]: '0+60x30',
      [`corro_canary_seconds_bucket{${manager},le="+Inf"}`]: '0+60x30',
    },
    silentAt: 5,
    firesAt: 8,
    labels: node1,
    summary: 'Rows of other nodes take 9.75s to reach node1 (p95)',
  },
  {
    alert: 'CorroNatsDown',
    series: {
      [`up{${gateway}}`]: '1x20',
      [`corro_nats_round_trip_seconds{${gateway}}`]: '0.001 stale',
    },
    silentAt: 1,
    firesAt: 3,
    labels: gatewayLabels,
    summary: 'node1 does not reach NATS',
  },
  {
    alert: 'CorroNatsDegraded',
    series: {
      [`corro_plane_ok{${gateway},plane="nats"}`]: '1 0x20',
      [`corro_nats_round_trip_seconds{${gateway}}`]: '0.001x20',
    },
    silentAt: 2,
    firesAt: 4,
    labels: { ...gatewayLabels, plane: 'nats' },
    summary: 'node1 reaches NATS, but streams, replicas or routes are missing',
  },
  {
    alert: 'CorroReplicasMissing',
    series: {
      [`corro_replication_wanted{${gateway},dataset="RECORDS"}`]: '3x20',
      [`corro_replication_effective{${gateway},dataset="RECORDS"}`]: '3 2x20',
      [`corro_replication_wanted{${gateway},dataset="corrosion"}`]: '3x20',
      [`corro_replication_effective{${gateway},dataset="corrosion"}`]: '2x20',
    },
    silentAt: 5,
    firesAt: 7,
    labels: { node: 'node1', dataset: 'RECORDS' },
    summary: '1 copies of RECORDS are missing, as node1 sees it',
  },
  {
    alert: 'CorroReplicaBehind',
    series: { [`corro_stream_lag_messages{${gateway},stream="RECORDS"}`]: '0 1001x20' },
    silentAt: 5,
    firesAt: 7,
    labels: { ...gatewayLabels, stream: 'RECORDS' },
    summary: 'A replica of RECORDS is 1001 messages behind',
  },
  {
    alert: 'CorroOutboxFills',
    series: {
      [`corro_subscriber_outbox_events{${subscriber}}`]: '0 1001x20',
      [`corro_gateway_unconfirmed_events{${gateway}}`]: '1000x20',
    },
    silentAt: 2,
    firesAt: 4,
    labels: subscriberLabels,
    summary: '1001 events of subscriber of node1 wait for NATS',
  },
  {
    alert: 'CorroDeadLetters',
    series: {
      [`corro_stream_messages{${gateway},stream="DEAD"}`]: '0 2x20',
      [`corro_stream_messages{${gateway},stream="RECORDS"}`]: '5x20',
    },
    silentAt: 1,
    firesAt: 3,
    labels: { stream: 'DEAD' },
    summary: '2 records were refused for ever',
  },
  {
    alert: 'CorroPostgresDown',
    series: { [`corro_plane_ok{${gateway},plane="postgres"}`]: '1 0x20' },
    silentAt: 1,
    firesAt: 3,
    labels: { ...gatewayLabels, plane: 'postgres' },
    summary: 'node1 finds Postgres away or not as it should be',
  },
  {
    alert: 'CorroAnalyticsIdle',
    series: {
      [`up{${analytics},instance="a"}`]: '1x20',
      [`up{${analytics},instance="b"}`]: '1x20',
      [`corro_clock_offset_seconds{${analytics},instance="a",node="node1"}`]: '0 stale',
    },
    silentAt: 2,
    firesAt: 4,
    labels: { service: 'analytics' },
    summary: 'Of 2 processes of analytics none works',
  },
  {
    alert: 'CorroAnalyticsBehind',
    series: { [`corro_analytics_lag_records{${analytics},stream="CHANGES"}`]: '0 20000x20' },
    silentAt: 5,
    firesAt: 7,
    labels: { ...analyticsLabels, stream: 'CHANGES' },
    summary: 'Analytics is 20000 records of CHANGES behind',
  },
  {
    alert: 'CorroTableNotFollowed',
    series: { [`corro_table_age_seconds{${gateway},table="node_messages"}`]: '0 60+60x20' },
    silentAt: 2,
    firesAt: 4,
    labels: { ...gatewayLabels, table: 'node_messages' },
    summary: 'Changes of node_messages are not seen on node1 for 4m 0s',
  },
  {
    alert: 'CorroAuditDiffers',
    series: { [`corro_subscriber_audit_differing_rows{${subscriber},table="t"}`]: '0 3x20' },
    silentAt: 5,
    firesAt: 7,
    labels: { ...subscriberLabels, table: 't' },
    summary: '3 rows of t on node1 are not what was told',
  },
  {
    // A series begins with its first count.
    alert: 'CorroRowsUntold',
    series: { [`corro_subscriber_untold_rows_total{${subscriber},table="t"}`]: '_ _ 1x20' },
    silentAt: 1,
    firesAt: 3,
    labels: { ...subscriberLabels, table: 't' },
    summary: 'Rows of t on node1 have keys too large to be told',
  },
  {
    alert: 'CorroRowsUntold',
    series: { [`corro_subscriber_untold_rows_total{${subscriber},table="t"}`]: '1x90 2x20' },
    silentAt: 85,
    firesAt: 93,
    labels: { ...subscriberLabels, table: 't' },
    summary: 'Rows of t on node1 have keys too large to be told',
  },
  {
    alert: 'CorroMessagesFail',
    series: {
      [`corro_message_sent_total{${gateway},outcome="accepted"}`]: '0+9x20',
      [`corro_message_sent_total{${gateway},outcome="failed"}`]: '0x4 1+1x20',
    },
    silentAt: 4,
    firesAt: 15,
    labels: node1,
    summary: '10% of the messages of node1 are not accepted',
  },
  {
    alert: 'CorroAcksOwed',
    series: { [`corro_ack_owed{${sender}}`]: '0 101x20' },
    silentAt: 5,
    firesAt: 7,
    labels: { job: 'corroport', node: 'node1', service: 'ack-sender' },
    summary: 'node1 owes 101 acknowledgements',
  },
  {
    alert: 'CorroAcksGivenUp',
    series: {
      [`corro_ack_failed_total{${sender},cause="too-old"}`]: '_ _ 1x20',
      [`corro_ack_failed_total{${sender},cause="not-tracked"}`]: '0+5x20',
    },
    silentAt: 1,
    firesAt: 3,
    labels: { node: 'node1', cause: 'too-old' },
    summary: 'node1 gave acknowledgements up: too-old',
  },
  {
    alert: 'CorroAcksForged',
    series: {
      [`corro_ack_arrived_total{${gateway},outcome="forged"}`]: '_ _ 1x20',
      [`corro_ack_arrived_total{${gateway},outcome="stored"}`]: '0+5x20',
    },
    silentAt: 1,
    firesAt: 3,
    labels: node1,
    summary: 'node1 is sent acknowledgements that are not what they say',
  },
  {
    alert: 'CorroAcksSlow',
    series: {
      [`corro_ack_round_trip_seconds_bucket{${gateway},transport="gossip",le="5"}`]: '0x30',
      [`corro_ack_round_trip_seconds_bucket{${gateway},transport="gossip",le="15"}`]: '0+60x30',
      [`corro_ack_round_trip_seconds_bucket{${gateway},transport="gossip",le="+Inf"}`]: '0+60x30',
    },
    silentAt: 5,
    firesAt: 8,
    labels: { node: 'node1', transport: 'gossip' },
    summary: 'Acknowledgements over gossip take 14.5s to node1 (p95)',
  },
  {
    alert: 'CorroSendersLate',
    series: {
      [`corro_share_delay_seconds_bucket{${gateway},le="0.1"}`]: '0x30',
      [`corro_share_delay_seconds_bucket{${gateway},le="0.2"}`]: '0+60x30',
      [`corro_share_delay_seconds_bucket{${gateway},le="+Inf"}`]: '0+60x30',
    },
    silentAt: 1,
    firesAt: 4,
    labels: node1,
    summary: 'node1 sends messages of an experiment 195ms late (p95)',
  },
  {
    alert: 'CorroGatewayErrors',
    series: {
      [`corro_gateway_request_seconds_count{${gateway},status="200"}`]: '0+60x30',
      [`corro_gateway_request_seconds_count{${gateway},status="503"}`]: '0+60x30',
      [`corro_gateway_request_seconds_count{${gateway},route="/health/ready",status="503"}`]:
        '0+600x30',
    },
    silentAt: 5,
    firesAt: 8,
    labels: node1,
    summary: '50% of the requests to node1 fail',
  },
  {
    alert: 'CorroRefusals',
    series: { [`corro_gateway_refused_total{${gateway},status="401"}`]: '0+120x30' },
    silentAt: 5,
    firesAt: 8,
    labels: node1,
    summary: 'node1 refuses 2 requests a second',
  },
  {
    alert: 'CorroSocketsRefused',
    series: { [`corro_gateway_sockets_refused_total{${gateway}}`]: '0 0 0 1x20' },
    silentAt: 2,
    firesAt: 4,
    labels: gatewayLabels,
    summary: 'node1 has more connections than it takes',
  },
  {
    alert: 'CorroEdgeTableStale',
    series: { [`edgeproxy_table_live{${edge}}`]: '1 0x10' },
    silentAt: 2,
    firesAt: 4,
    labels: edgeLabels,
    summary: 'The edge proxy of node1 routes by a table that is not followed',
  },
  {
    alert: 'CorroEdgeTurnsAway',
    series: {
      [`edgeproxy_refused_total{${edge},reason="no-backend"}`]: '0 0 1+1x20',
      [`edgeproxy_refused_total{${edge},reason="client-full"}`]: '0+1x20',
    },
    silentAt: 2,
    firesAt: 6,
    labels: { ...node1, reason: 'no-backend' },
    summary: 'The edge proxy of node1 turns clients away: no-backend',
  },
  {
    alert: 'CorroEdgeRowsSetAside',
    series: {
      [`edgeproxy_backends{${edge},state="set-aside"}`]: '0 2x20',
      [`edgeproxy_backends{${edge},state="refused"}`]: '5x20',
    },
    silentAt: 5,
    firesAt: 7,
    labels: { ...edgeLabels, state: 'set-aside' },
    summary: 'The edge proxy of node1 has set 2 rows of backends aside',
  },
  {
    alert: 'CorroBuildsUnwanted',
    series: {
      [`corro_builds{${builds},status="pending"}`]: '0 3x20',
      [`corro_build_workers{${builds},status="idle"}`]: '1 0x20',
      [`corro_build_workers{${builds},status="building"}`]: '0x20',
    },
    silentAt: 5,
    firesAt: 7,
    labels: {},
    summary: '3 builds wait, and there is no worker',
  },
  {
    alert: 'CorroBuildsLost',
    series: { [`corro_builds{${builds},status="dead"}`]: '2x5 3x20' },
    silentAt: 5,
    firesAt: 7,
    labels: {},
    summary: 'Builds were given up whose workers were lost too often',
  },
]
