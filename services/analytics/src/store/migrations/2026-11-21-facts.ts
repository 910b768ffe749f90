import { type Kysely, sql } from 'kysely'

/**
 * One row per record that was told. The event's own time is in each key, so that what comes again is
 * the same row however late it comes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `CREATE TABLE sent (
    message_id text NOT NULL,
    transport text NOT NULL,
    origin text NOT NULL,
    region text NOT NULL,
    size_bytes integer NOT NULL,
    expected jsonb NOT NULL,
    expected_count integer NOT NULL,
    experiment_id text,
    number integer,
    is_warmup boolean NOT NULL,
    intended_at timestamptz,
    delay_us bigint,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, sent_at)
  ) PARTITION BY RANGE (sent_at)`,
  `CREATE INDEX sent_experiment ON sent (experiment_id, number) WHERE experiment_id IS NOT NULL`,
  `CREATE TABLE outcome (
    message_id text NOT NULL,
    transport text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    took_us bigint,
    actor_id text,
    db_version text,
    was_read_back boolean,
    reason text,
    at timestamptz NOT NULL,
    PRIMARY KEY (message_id, at)
  ) PARTITION BY RANGE (at)`,
  `CREATE TABLE skipped (
    experiment_id text NOT NULL,
    origin text NOT NULL,
    transport text NOT NULL,
    first integer NOT NULL,
    numbers jsonb NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (experiment_id, origin, transport, first)
  )`,
  `CREATE TABLE receipt (
    message_id text NOT NULL,
    transport text NOT NULL,
    node_id text NOT NULL,
    origin text NOT NULL,
    via text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, node_id, transport, received_at)
  ) PARTITION BY RANGE (received_at)`,
  `CREATE TABLE ack (
    message_id text NOT NULL,
    transport text NOT NULL,
    node_id text NOT NULL,
    origin text NOT NULL,
    via text NOT NULL,
    attempts integer NOT NULL,
    received_at timestamptz,
    sent_at timestamptz,
    arrived_at timestamptz NOT NULL,
    round_trip_us bigint NOT NULL,
    clock text NOT NULL,
    PRIMARY KEY (message_id, node_id, transport, arrived_at)
  ) PARTITION BY RANGE (arrived_at)`,
  `CREATE TABLE delivery (
    message_id text NOT NULL,
    transport text NOT NULL,
    node_id text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    PRIMARY KEY (message_id, node_id, transport, state, at)
  ) PARTITION BY RANGE (at)`,
  `CREATE TABLE sighting (
    table_name text NOT NULL,
    key_digest text NOT NULL,
    row_version text NOT NULL,
    node_id text NOT NULL,
    change text NOT NULL,
    via text NOT NULL,
    site_id text,
    written_at timestamptz,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (node_id, table_name, key_digest, row_version, observed_at)
  ) PARTITION BY RANGE (observed_at)`,
  `CREATE TABLE clock_sample (
    node_id text NOT NULL,
    offset_us double precision NOT NULL,
    bound_us double precision NOT NULL,
    round_trip_us double precision NOT NULL,
    probes integer NOT NULL,
    drift_ppm double precision,
    at timestamptz NOT NULL,
    PRIMARY KEY (node_id, at)
  ) PARTITION BY RANGE (at)`,
  `CREATE TABLE event (
    id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (id, at)
  ) PARTITION BY RANGE (at)`,
  `CREATE INDEX event_kind ON event (kind, at)`,
  `CREATE TABLE ledger (
    stream text NOT NULL,
    incarnation text NOT NULL,
    last_sequence bigint NOT NULL,
    stored bigint NOT NULL,
    duplicates bigint NOT NULL,
    refused bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, incarnation)
  )`,
  `CREATE TABLE ledger_gap (
    stream text NOT NULL,
    incarnation text NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    reason text NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, incarnation, first_sequence)
  )`,
  `CREATE TABLE refused (
    stream text NOT NULL,
    incarnation text NOT NULL,
    sequence bigint NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, incarnation, sequence)
  )`,
  ...['sent', 'outcome', 'receipt', 'ack', 'delivery', 'sighting', 'clock_sample', 'event'].map(
    (table) => `CREATE TABLE ${table}_default PARTITION OF ${table} DEFAULT`,
  ),
]
