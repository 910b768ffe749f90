import type { QuerySource } from './query.ts'

interface Described {
  name: string
  description: string
}

export type PresetParameter = Described &
  (
    | { type: 'integer'; min: number; default: number }
    /** Null: a person has to give it. */
    | { type: 'text'; default: string | null }
  )

/** A statement worth keeping; a form asks for its parameters. */
export interface QueryPreset {
  id: string
  name: string
  source: QuerySource
  description: string
  sql: string
  parameters: readonly PresetParameter[]
}

const hours: PresetParameter = {
  name: 'hours',
  description: 'back from now',
  type: 'integer',
  min: 1,
  default: 24,
}

const ofCorrosion: readonly Omit<QueryPreset, 'source'>[] = [
  {
    id: 'corro_members_all',
    name: 'Corrosion Members',
    description: 'Members as SWIM of this agent has them; the table is written once a minute.',
    sql: `SELECT lower(hex(actor_id)) AS actor_id, address,
  foca_state ->> '$.state' AS state, foca_state ->> '$.incarnation' AS incarnation,
  rtt_min, updated_at
FROM __corro_members
ORDER BY actor_id`,
    parameters: [],
  },
  {
    id: 'tracked_peers_all',
    name: 'Tracked Peers',
    description: 'Peers that cr-sqlite tracks by itself; Corrosion does not use them.',
    sql: `SELECT lower(hex(site_id)) AS site_id, version, seq, tag, event
FROM crsql_tracked_peers
ORDER BY site_id`,
    parameters: [],
  },
  {
    id: 'node_messages_all',
    name: 'Node Messages (All)',
    description: 'Newest first, as many as the limit of rows allows.',
    sql: `SELECT *
FROM node_messages
ORDER BY timestamp DESC, pk`,
    parameters: [],
  },
  {
    id: 'node_messages_latest',
    name: 'Node Messages (Latest per Node)',
    description: 'The newest message of each node.',
    sql: `SELECT message, node_id, timestamp, sequence, originating_endpoint, region
FROM node_messages
WHERE (node_id, timestamp) IN (
  SELECT node_id, max(timestamp) FROM node_messages GROUP BY node_id
)
ORDER BY timestamp DESC`,
    parameters: [],
  },
  {
    id: 'active_regions',
    name: 'Active Regions',
    description: 'Regions that sent a message lately.',
    // Both are ISO 8601 with a T; datetime() writes a blank, which sorts before it.
    sql: `SELECT DISTINCT region
FROM node_messages
WHERE timestamp > strftime('%Y-%m-%dT%H:%M:%f', 'now', '-' || :minutes_ago || ' minutes')
  AND region NOT IN ('unknown', '')
ORDER BY region`,
    parameters: [
      {
        name: 'minutes_ago',
        description: 'back from now',
        type: 'integer',
        min: 1,
        default: 60,
      },
    ],
  },
  {
    id: 'messages_by_region',
    name: 'Messages by Region',
    description: 'Messages that were sent from one region, newest first.',
    sql: `SELECT *
FROM node_messages
WHERE region = :region
ORDER BY timestamp DESC, pk`,
    parameters: [
      { name: 'region', description: 'such as local or fra', type: 'text', default: null },
    ],
  },
  {
    id: 'cluster_info',
    name: 'Cluster Info',
    description: 'Who this agent is, and how much it knows of the others.',
    sql: `SELECT 'actor id' AS fact, lower(hex(crsql_site_id())) AS value
UNION ALL SELECT 'cluster id', coalesce((SELECT value FROM __corro_state WHERE key = 'cluster_id'), 0)
UNION ALL SELECT 'other members', count(*) FROM __corro_members
UNION ALL SELECT 'alive of them', count(*) FROM __corro_members WHERE foca_state ->> '$.state' = 'Alive'
UNION ALL SELECT 'actors that ever wrote', count(*) FROM crsql_db_versions
UNION ALL SELECT 'versions missing here', coalesce(sum("end" - start + 1), 0) FROM __corro_bookkeeping_gaps
UNION ALL SELECT 'nodes with a row', count(*) FROM node_configs`,
    parameters: [],
  },
  {
    id: 'database_info',
    name: 'Database Info',
    description: 'SQLite and its file.',
    sql: `SELECT 'SQLite' AS fact, sqlite_version() AS value
UNION ALL SELECT 'size in bytes', page_count * page_size FROM pragma_page_count, pragma_page_size
UNION ALL SELECT 'free in bytes', freelist_count * page_size FROM pragma_freelist_count, pragma_page_size
UNION ALL SELECT 'journal', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'version of this actor', crsql_db_version()
UNION ALL SELECT 'replicated tables', count(*) FROM sqlite_schema WHERE name GLOB '*__crsql_clock'`,
    parameters: [],
  },
  {
    id: 'gaps_by_actor',
    name: 'Gaps by Actor',
    description: 'Versions that this agent knows of and does not hold, most first.',
    sql: `SELECT lower(hex(actor_id)) AS actor_id, sum("end" - start + 1) AS missing_versions,
  count(*) AS gaps, min(start) AS first, max("end") AS last
FROM __corro_bookkeeping_gaps
GROUP BY actor_id
ORDER BY missing_versions DESC, actor_id`,
    parameters: [],
  },
  {
    id: 'buffered_changes',
    name: 'Buffered Changes',
    description: 'Parts of versions that wait for the rest of them.',
    sql: `SELECT lower(hex(site_id)) AS actor_id, db_version, count(*) AS changes,
  min(seq) AS first_seq, max(seq) AS last_seq
FROM __corro_buffered_changes
GROUP BY site_id, db_version
ORDER BY actor_id, db_version`,
    parameters: [],
  },
  {
    id: 'versions_by_site',
    name: 'Versions by Site',
    description:
      'The newest version of each actor. Equal ones on all nodes do not prove equal rows.',
    sql: `SELECT lower(hex(versions.site_id)) AS actor_id, node.node_id, versions.db_version
FROM crsql_db_versions AS versions
LEFT JOIN node_configs AS node ON node.corrosion_actor_id = lower(hex(versions.site_id))
ORDER BY actor_id`,
    parameters: [],
  },
  {
    id: 'newest_writes',
    name: 'Newest Writes of a Table',
    description: 'Cells of a replicated table, last written first, by the clocks of their origins.',
    // Hybrid-logical time: seconds of Unix above, their fraction below 32 bits.
    sql: `SELECT strftime('%Y-%m-%dT%H:%M:%fZ',
    (CAST(ts AS INTEGER) >> 32) + (CAST(ts AS INTEGER) & 4294967295) / 4294967296.0, 'unixepoch'
  ) AS written_at, lower(hex(site_id)) AS actor_id, db_version, hex(pk) AS packed_key,
  cid AS "column", val AS value, cl % 2 = 0 AS is_deleted
FROM crsql_changes
WHERE "table" = :table
ORDER BY CAST(ts AS INTEGER) DESC, db_version DESC, seq DESC
LIMIT :rows`,
    parameters: [
      { name: 'table', description: 'a replicated one', type: 'text', default: 'node_messages' },
      { name: 'rows', description: 'at most', type: 'integer', min: 1, default: 50 },
    ],
  },
  {
    id: 'rows_by_table',
    name: 'Rows by Table',
    description: 'Rows, and cells of rows that were deleted and are still remembered.',
    sql: `SELECT 'node_messages' AS "table", (SELECT count(*) FROM node_messages) AS "rows",
  (SELECT count(*) FROM node_messages__crsql_clock WHERE col_name = '-1' AND col_version % 2 = 0) AS deleted
UNION ALL SELECT 'node_configs', (SELECT count(*) FROM node_configs),
  (SELECT count(*) FROM node_configs__crsql_clock WHERE col_name = '-1' AND col_version % 2 = 0)
UNION ALL SELECT 'node_canaries', (SELECT count(*) FROM node_canaries),
  (SELECT count(*) FROM node_canaries__crsql_clock WHERE col_name = '-1' AND col_version % 2 = 0)
UNION ALL SELECT 'backends', (SELECT count(*) FROM backends),
  (SELECT count(*) FROM backends__crsql_clock WHERE col_name = '-1' AND col_version % 2 = 0)`,
    parameters: [],
  },
  {
    id: 'members_flapping',
    name: 'Members that Flap',
    description: 'Members that are not alive, or had to defend themselves against suspicion.',
    sql: `SELECT lower(hex(actor_id)) AS actor_id, address, foca_state ->> '$.state' AS state,
  CAST(foca_state ->> '$.incarnation' AS INTEGER) AS incarnation, updated_at
FROM __corro_members
WHERE state <> 'Alive' OR incarnation >= :incarnations
ORDER BY incarnation DESC, actor_id`,
    parameters: [
      {
        name: 'incarnations',
        description: 'at least so many since it started',
        type: 'integer',
        min: 1,
        default: 1,
      },
    ],
  },
  {
    id: 'nodes',
    name: 'Nodes',
    description: 'What each node wrote of itself, and the age of its last canary as it came here.',
    sql: `SELECT node.node_id, node.region, node.state, node.state_at, node.corrosion_actor_id,
  canary.sequence AS canary, round((julianday('now') - julianday(canary.at)) * 86400, 3) AS canary_age_s
FROM node_configs AS node
LEFT JOIN node_canaries AS canary USING (node_id)
ORDER BY node.node_id`,
    parameters: [],
  },
]

const ofAnalytics: readonly Omit<QueryPreset, 'source'>[] = [
  {
    id: 'latest_experiments',
    name: 'Latest Experiments',
    description: 'Newest first, with the median and 95th percentile of each transport.',
    sql: `SELECT experiment.id, experiment.status, experiment.created_at, figures ->> 'transport' AS transport,
  (figures -> 'counts' ->> 'accepted')::int AS accepted,
  (figures ->> 'delivery_rate')::float8 AS delivery_rate,
  (figures -> 'round_trip' ->> 'p50_ms')::float8 AS p50_ms,
  (figures -> 'round_trip' ->> 'p95_ms')::float8 AS p95_ms
FROM experiment
LEFT JOIN LATERAL jsonb_array_elements(experiment.figures -> 'transports') AS figures ON true
ORDER BY experiment.created_at DESC, transport
LIMIT :experiments`,
    parameters: [
      { name: 'experiments', description: 'at most', type: 'integer', min: 1, default: 20 },
    ],
  },
  {
    id: 'slowest_pairs',
    name: 'Slowest Pairs',
    description: 'Pairs of origin and receiver of the last experiments, slowest first.',
    sql: `SELECT pair.experiment_id, pair.transport, pair.origin, pair.node_id AS receiver,
  (pair.figures ->> 'acks')::int AS acks, (pair.figures ->> 'lost')::int AS lost,
  (pair.figures -> 'round_trip' ->> 'p50_ms')::float8 AS p50_ms,
  (pair.figures -> 'round_trip' ->> 'p95_ms')::float8 AS p95_ms
FROM experiment_pair AS pair
WHERE pair.experiment_id IN (SELECT id FROM experiment ORDER BY created_at DESC LIMIT :experiments)
ORDER BY p50_ms DESC NULLS LAST, receiver`,
    parameters: [
      { name: 'experiments', description: 'the newest', type: 'integer', min: 1, default: 5 },
    ],
  },
  {
    id: 'ingest_by_hour',
    name: 'Records by Hour',
    description: 'What was stored, by the hour of its own time.',
    sql: `SELECT date_trunc('hour', at) AS hour,
  count(*) FILTER (WHERE kind = 'sent') AS sent, count(*) FILTER (WHERE kind = 'receipt') AS receipts,
  count(*) FILTER (WHERE kind = 'ack') AS acks, count(*) FILTER (WHERE kind = 'sighting') AS sightings,
  count(*) FILTER (WHERE kind = 'event') AS others
FROM (
  SELECT 'sent' AS kind, sent_at AS at FROM sent WHERE sent_at > now() - make_interval(hours => :hours)
  UNION ALL
  SELECT 'receipt', received_at FROM receipt WHERE received_at > now() - make_interval(hours => :hours)
  UNION ALL
  SELECT 'ack', arrived_at FROM ack WHERE arrived_at > now() - make_interval(hours => :hours)
  UNION ALL
  SELECT 'sighting', observed_at FROM sighting
  WHERE observed_at > now() - make_interval(hours => :hours)
  UNION ALL
  SELECT 'event', at FROM event WHERE at > now() - make_interval(hours => :hours)
) AS record
GROUP BY hour
ORDER BY hour DESC`,
    parameters: [hours],
  },
  {
    id: 'unacknowledged',
    name: 'Messages without all Acknowledgements',
    description: 'Accepted ones, newest first, with who is missing.',
    sql: `SELECT sent.message_id, sent.transport, sent.origin, sent.sent_at, sent.expected_count AS expected,
  (SELECT jsonb_agg(receiver ->> 'nodeId') FROM jsonb_array_elements(sent.expected) AS receiver
    WHERE NOT EXISTS (SELECT FROM ack WHERE ack.message_id = sent.message_id
      AND ack.transport = sent.transport AND ack.node_id = receiver ->> 'nodeId'
      AND ack.arrived_at > now() - make_interval(hours => :hours) - interval '1 hour')) AS missing
FROM sent
WHERE sent.sent_at > now() - make_interval(hours => :hours)
  AND EXISTS (SELECT FROM outcome WHERE outcome.message_id = sent.message_id
    AND outcome.state = 'accepted' AND outcome.at > now() - make_interval(hours => :hours) - interval '1 hour')
  AND sent.expected_count > (SELECT count(DISTINCT ack.node_id) FROM ack
    WHERE ack.message_id = sent.message_id AND ack.transport = sent.transport
      AND ack.arrived_at > now() - make_interval(hours => :hours) - interval '1 hour')
ORDER BY sent.sent_at DESC`,
    parameters: [{ ...hours, default: 1 }],
  },
  {
    id: 'clock_offsets',
    name: 'Clock Offsets',
    description:
      'The last comparison of each clock; an offset is exact to plus or minus its bound.',
    sql: `SELECT DISTINCT ON (node_id) node_id, at, offset_us / 1000 AS offset_ms, bound_us / 1000 AS bound_ms,
  round_trip_us / 1000 AS round_trip_ms, drift_ppm
FROM clock_sample
WHERE at > now() - make_interval(hours => :hours)
ORDER BY node_id, at DESC`,
    parameters: [hours],
  },
  {
    id: 'missing_records',
    name: 'Missing Records',
    description: 'Ranges of streams that were gone before they could be stored, newest first.',
    sql: `SELECT stream, incarnation, first_sequence, last_sequence,
  last_sequence - first_sequence + 1 AS records, reason, noticed_at
FROM ledger_gap
ORDER BY noticed_at DESC, first_sequence DESC`,
    parameters: [],
  },
  {
    id: 'refused_records',
    name: 'Refused Records',
    description: 'Records that did not fit their contracts, counted by subject and reason.',
    sql: `SELECT subject, reason, count(*) AS records, max(at) AS last_at
FROM refused
GROUP BY subject, reason
ORDER BY records DESC, subject`,
    parameters: [],
  },
]

export const queryPresets: readonly QueryPreset[] = [
  ...ofCorrosion.map((preset) => ({ ...preset, source: 'corrosion' as const })),
  ...ofAnalytics.map((preset) => ({ ...preset, source: 'analytics' as const })),
]
