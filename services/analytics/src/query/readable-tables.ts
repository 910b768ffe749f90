import type { Database } from '../store/tables.ts'

/** What people may read: all but the pages of imports that are under way. */
const isReadable: Record<keyof Database, boolean> = {
  sent: true,
  outcome: true,
  skipped: true,
  receipt: true,
  ack: true,
  delivery: true,
  sighting: true,
  clock_sample: true,
  event: true,
  ledger: true,
  ledger_gap: true,
  refused: true,
  experiment: true,
  experiment_block: true,
  experiment_pair: true,
  propagation_hour: true,
  import_page: false,
  import_row: false,
}

export const readableTables: readonly string[] = Object.entries(isReadable).flatMap(
  ([table, readable]) => (readable ? table : []),
)
