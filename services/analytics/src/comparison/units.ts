/** Consecutive messages of one run over one transport, as `experiment_block` has them. */
export interface Block {
  messages: number
  expected: number
  acks: number
  /** Upper bounds of buckets of 1 % width, in µs. */
  uppers: Float64Array
  /** How many round trips are in each of these buckets. */
  counts: Uint32Array
}

const widthOfBuckets = 1.01
/** Fewer on a side cannot reach 5 % in a permutation test of three figures. */
export const unitsNeeded = 5
const fewestBlocks = 10
const mostBlocks = 40
const correlationLengths = 5

export function merge(blocks: readonly Block[]): Block {
  const whole = { messages: 0, expected: 0, acks: 0 }
  const buckets = new Map<number, number>()
  for (const { messages, expected, acks, uppers, counts } of blocks) {
    whole.messages += messages
    whole.expected += expected
    whole.acks += acks
    for (const [at, upper] of uppers.entries()) {
      buckets.set(upper, (buckets.get(upper) ?? 0) + (counts[at] ?? 0))
    }
  }
  return {
    ...whole,
    uppers: Float64Array.from(buckets.keys()),
    counts: Uint32Array.from(buckets.values()),
  }
}

/**
 * Makes longer blocks of the blocks of each run of a side, so long that neighbours hardly depend on
 * each other any more: several correlation lengths, but at least ten blocks where there are as many.
 */
export function joinNeighbours(
  runs: readonly (readonly Block[])[],
  correlation: number,
): { blocks: Block[]; areTooShort: boolean } {
  const length = correlation === 1 ? 1 : Math.ceil(correlation * correlationLengths)
  const fewest = Math.ceil(fewestBlocks / runs.length)
  const most = Math.ceil(mostBlocks / runs.length)
  let areTooShort = false
  const blocks = runs.flatMap((run) => {
    const wanted = Math.floor(run.length / length)
    const parts = Math.min(run.length, most, Math.max(wanted, fewest))
    areTooShort ||= parts > Math.max(wanted, 1)
    return Array.from({ length: parts }, (_, part) =>
      merge(run.slice(bound(run.length, parts, part), bound(run.length, parts, part + 1))),
    )
  })
  return { blocks, areTooShort }
}

const bound = (length: number, parts: number, part: number): number =>
  Math.round((length * part) / parts)

/**
 * How many consecutive blocks say as much as one independent block: 1 + 2 Σ autocorrelation, summed
 * until the window is five times as long as the sum (Sokal), over all runs together.
 */
export function correlationLength(runs: readonly (readonly Block[])[]): number {
  const series = runs.map(centredMeans)
  const covariance = (lag: number): number => {
    let sum = 0
    for (const values of series) {
      for (let at = lag; at < values.length; at++)
        sum += (values[at] ?? 0) * (values[at - lag] ?? 0)
    }
    return sum
  }
  const variance = covariance(0)
  // Equal blocks leave what their sums were rounded by.
  if (variance < 1e-9) return 1
  const longest = Math.max(...series.map(({ length }) => length)) / 2
  let length = 1
  for (let lag = 1; lag <= longest && lag < 5 * length; lag++) {
    length += (2 * covariance(lag)) / variance
  }
  return Math.max(length, 1)
}

/** Of the logarithms, since latencies are skewed; a block without acknowledgements is at the mean. */
function centredMeans(run: readonly Block[]): number[] {
  const means = run.map(({ uppers, counts, acks }) => {
    let sum = 0
    for (const [at, upper] of uppers.entries()) sum += (counts[at] ?? 0) * Math.log(upper)
    return acks === 0 ? undefined : sum / acks
  })
  const known = means.filter((mean) => mean !== undefined)
  const overall = known.reduce((sum, mean) => sum + mean, 0) / known.length
  return means.map((mean) => (mean === undefined ? 0 : mean - overall))
}

/** Milliseconds, and a share of 0 to 1; not a number where there is nothing to take it from. */
export interface PooledFigures {
  median: number
  p95: number
  loss: number
}

export interface UnitPool {
  /** Figures of these units together; a unit may be drawn more than once. */
  figuresOf(drawn: Uint32Array): PooledFigures
}

/**
 * A percentile is the nearest rank, placed within its bucket by its rank among those in it: it is off
 * by less than 1 %, the width of a bucket. It is looked for from where the last one was found: what
 * is drawn from the same units has it near there.
 */
export function createUnitPool(units: readonly Block[]): UnitPool {
  const uppers = merge(units).uppers.toSorted()
  const size = units.length
  // A row for each bucket: how many round trips of each unit are in it or below it.
  const cumulative = new Float64Array(uppers.length * size)
  const places = new Map(Array.from(uppers, (upper, place) => [upper, place]))
  for (const [unit, block] of units.entries()) {
    for (const [at, upper] of block.uppers.entries()) {
      cumulative[(places.get(upper) ?? 0) * size + unit] = block.counts[at] ?? 0
    }
  }
  for (let at = size; at < cumulative.length; at++) {
    cumulative[at] = (cumulative[at] ?? 0) + (cumulative[at - size] ?? 0)
  }

  const upTo = (drawn: Uint32Array, place: number): number => {
    if (place < 0) return 0
    const row = place * size
    let sum = 0
    for (let at = 0; at < drawn.length; at++) sum += cumulative[row + (drawn[at] ?? 0)] ?? 0
    return sum
  }

  const createPercentile = (share: number) => {
    let found = 0
    return (drawn: Uint32Array, n: number): number => {
      if (n === 0) return Number.NaN
      const rank = Math.ceil(share * n)
      // What is wanted is above `low` and not above `high`.
      let low = found - 1
      let high = found
      for (let step = 1; upTo(drawn, low) >= rank; step *= 2) {
        high = low
        low = Math.max(low - step, -1)
      }
      for (let step = 1; upTo(drawn, high) < rank; step *= 2) {
        low = high
        high = Math.min(high + step, uppers.length - 1)
      }
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (upTo(drawn, middle) >= rank) high = middle
        else low = middle
      }
      found = high
      const below = upTo(drawn, low)
      const upper = uppers[high] ?? 0
      const lower = upper / widthOfBuckets
      const count = upTo(drawn, high) - below
      return (lower + ((rank - below) / count) * (upper - lower)) / 1000
    }
  }
  const median = createPercentile(0.5)
  const p95 = createPercentile(0.95)

  return {
    figuresOf(drawn) {
      let [acks, expected] = [0, 0]
      for (const unit of drawn) {
        acks += units[unit]?.acks ?? 0
        expected += units[unit]?.expected ?? 0
      }
      const n = upTo(drawn, uppers.length - 1)
      return { median: median(drawn, n), p95: p95(drawn, n), loss: 1 - acks / expected }
    },
  }
}
