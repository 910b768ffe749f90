import type { ColumnType, Generated } from 'kysely'

/** ISO 8601 with microseconds goes in; what comes out is made text by the query that asks for it. */
type Time = ColumnType<string, string, string>
/** `pg` gives bigint as text; the store makes numbers of them. */
type Big = ColumnType<string, number | bigint, number | bigint>
type Json<T> = ColumnType<T, string, string>

export interface Database {
  sent: {
    message_id: string
    transport: string
    origin: string
    region: string
    size_bytes: number
    expected: Json<{ nodeId: string; wasPresent: boolean }[]>
    expected_count: number
    experiment_id: string | null
    number: number | null
    is_warmup: boolean
    intended_at: Time | null
    delay_us: Big | null
    sent_at: Time
  }
  outcome: {
    message_id: string
    transport: string
    origin: string
    state: string
    took_us: Big | null
    actor_id: string | null
    db_version: string | null
    was_read_back: boolean | null
    reason: string | null
    at: Time
  }
  skipped: {
    experiment_id: string
    origin: string
    transport: string
    first: number
    numbers: Json<number[]>
    reason: string
    at: Time
  }
  receipt: {
    message_id: string
    transport: string
    node_id: string
    origin: string
    via: string
    received_at: Time
  }
  ack: {
    message_id: string
    transport: string
    node_id: string
    origin: string
    via: string
    attempts: number
    received_at: Time | null
    sent_at: Time | null
    arrived_at: Time
    round_trip_us: Big
    clock: string
  }
  delivery: {
    message_id: string
    transport: string
    node_id: string
    origin: string
    state: string
    attempts: number
    reason: string | null
    at: Time
  }
  sighting: {
    table_name: string
    key_digest: string
    row_version: string
    node_id: string
    change: string
    via: string
    site_id: string | null
    written_at: Time | null
    observed_at: Time
  }
  clock_sample: {
    node_id: string
    offset_us: number
    bound_us: number
    round_trip_us: number
    probes: number
    drift_ppm: number | null
    at: Time
  }
  event: {
    id: string
    kind: string
    subject: string
    at: Time
    payload: Json<Record<string, unknown>>
  }
  ledger: {
    stream: string
    incarnation: string
    first_sequence: ColumnType<string, number | undefined, number>
    last_sequence: Big
    /** When NATS stored the last of them, in nanoseconds. Null where an older version stored it. */
    last_stored_at_ns: ColumnType<string | null, bigint | undefined, bigint>
    /** Why nothing is counted here any more. */
    ended: Generated<string | null>
    stored: Big
    duplicates: Big
    refused: Big
    updated_at: Generated<Date>
  }
  ledger_gap: {
    stream: string
    incarnation: string
    first_sequence: Big
    last_sequence: Big
    reason: string
    noticed_at: Generated<Date>
  }
  refused: {
    stream: string
    incarnation: string
    sequence: Big
    subject: string
    reason: string
    payload: Buffer
    at: Generated<Date>
  }
  experiment: {
    id: string
    plan: Json<unknown>
    status: string
    reason: string | null
    expected: Json<string[]>
    environment: Json<unknown> | null
    shares: Json<unknown[]>
    by: string
    created_at: Time
    started_at: Time | null
    sending_ended_at: Time | null
    deadline_at: Time | null
    finished_at: Time | null
    imported_from: string | null
    /** `ExperimentFigures`; null until it ended. */
    figures: Json<unknown> | null
    /** Something arrived after the figures were computed. */
    is_stale: Generated<boolean>
    /** `ExperimentProgress`; null until it was counted. */
    progress: Json<unknown> | null
    /** Who asked for its end before everything was sent. */
    stopped_by: string | null
    /** `experiment.finished` was handed to the outbox; true of what was not measured here. */
    is_told: Generated<boolean>
  }
  /** Round trips of blocks of consecutive messages, for comparisons. */
  experiment_block: {
    experiment_id: string
    transport: string
    block: number
    messages: number
    expected: number
    acks: number
    /** Upper bound of a logarithmic bucket in µs → how many. */
    buckets: Json<Record<string, number>>
  }
  /** Figures per pair of origin and receiver. */
  experiment_pair: {
    experiment_id: string
    transport: string
    origin: string
    node_id: string
    figures: Json<unknown>
  }
  propagation_hour: {
    table_name: string
    origin: string
    node_id: string
    hour: Time
    figures: Json<unknown>
  }
  /** A page of an experiment that is being imported. */
  import_page: {
    import_id: string
    page: number
    events: number
    experiment: Json<unknown> | null
    /** The experiment that it became, on its last page. */
    stored_as: string | null
    taken_at: Generated<Date>
  }
  /** A row as it will be in its table, which is not visible yet. */
  import_row: {
    import_id: string
    page: number
    table_name: string
    row: Json<unknown>
  }
}
