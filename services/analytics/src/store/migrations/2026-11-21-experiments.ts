import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `CREATE TABLE experiment (
    id text PRIMARY KEY,
    plan jsonb NOT NULL,
    status text NOT NULL,
    reason text,
    expected jsonb NOT NULL,
    environment jsonb,
    shares jsonb NOT NULL,
    by text NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    sending_ended_at timestamptz,
    deadline_at timestamptz,
    finished_at timestamptz,
    imported_from text,
    figures jsonb,
    is_stale boolean NOT NULL DEFAULT false,
    progress jsonb,
    stopped_by text,
    is_told boolean NOT NULL DEFAULT true
  )`,
  `CREATE INDEX experiment_newest ON experiment (created_at DESC)`,
  `CREATE TABLE experiment_block (
    experiment_id text NOT NULL REFERENCES experiment ON DELETE CASCADE,
    transport text NOT NULL,
    block integer NOT NULL,
    messages integer NOT NULL,
    expected integer NOT NULL,
    acks integer NOT NULL,
    buckets jsonb NOT NULL,
    PRIMARY KEY (experiment_id, transport, block)
  )`,
  `CREATE TABLE experiment_pair (
    experiment_id text NOT NULL REFERENCES experiment ON DELETE CASCADE,
    transport text NOT NULL,
    origin text NOT NULL,
    node_id text NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (experiment_id, transport, origin, node_id)
  )`,
  `CREATE TABLE propagation_hour (
    table_name text NOT NULL,
    origin text NOT NULL,
    node_id text NOT NULL,
    hour timestamptz NOT NULL,
    figures jsonb NOT NULL,
    PRIMARY KEY (hour, table_name, origin, node_id)
  )`,
  `CREATE TABLE import_page (
    import_id text NOT NULL,
    page integer NOT NULL,
    events integer NOT NULL,
    experiment jsonb,
    stored_as text,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (import_id, page)
  )`,
  `CREATE TABLE import_row (
    import_id text NOT NULL,
    page integer NOT NULL,
    table_name text NOT NULL,
    row jsonb NOT NULL,
    FOREIGN KEY (import_id, page) REFERENCES import_page ON DELETE CASCADE
  )`,
  `CREATE INDEX import_row_page ON import_row (import_id, page)`,
]
