/** Bounds of one query on one node; the answer says which of them cut it. */
export const queryLimits = {
  sqlCharacters: 20_000,
  rows: { least: 1, default: 1000, most: 10_000 },
  timeoutMs: { least: 50, default: 5000, most: 10_000 },
  /** Of one node's rows as JSON: an answer of NATS stays below 1 MB. */
  bytes: 700_000,
  /** Of the rows of all nodes that are asked at once, which share it. */
  bytesOfAll: 32_000_000,
} as const
