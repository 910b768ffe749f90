import { maxContentBytes } from './content-size.ts'

// Plain values, so that a page can say them without carrying the schemas that enforce them.

/** Of the fields of an `ExperimentPlan`. */
export const planLimits = {
  name: { minLength: 1, maxLength: 200 },
  note: { maxLength: 2000 },
  count: { minimum: 0, maximum: 1_000_000 },
  interval_ms: { minimum: 1, maximum: 3_600_000 },
  payload_bytes: { minimum: 1, maximum: maxContentBytes },
  warmup: { minimum: 0, maximum: 100_000 },
  seed: { minimum: 0, maximum: 2 ** 32 - 1 },
} as const

/** What is not said in a request to create an experiment. The origin is then the node that is asked. */
export const experimentDefaults = {
  note: '',
  transport: 'gossip',
  count: 200,
  interval_ms: 100,
  payload_bytes: 64,
  warmup: 0,
  start: true,
} as const

/** A request to import must fit into one message of NATS. */
export const maxImportPageBytes = 900_000
export const maxImportPageEvents = 5000
