/** Consecutive messages of one run over one transport, as `experiment_block` has them. */
export interface Block {
  messages: number
  expected: number
  acks: number
  /** Upper bound of a bucket of 1 % width in µs → how many round trips. */
  buckets: Record<string, number>
}

const widthOfBuckets = 1.01
/** Fewer on a side cannot reach 5 % in a permutation test of three figures. */
export const unitsNeeded = 5
const fewestBlocks = 10
const mostBlocks = 40
const correlationLengths = 5

export function merge(blocks: readonly Block[]): Block {
  const whole: Block = { messages: 0, expected: 0, acks: 0, buckets: {} }
  for (const { messages, expected, acks, buckets } of blocks) {
    whole.messages += messages
    whole.expected += expected
    whole.acks += acks
    for (const [upper, count] of Object.entries(buckets)) {
      whole.buckets[upper] = (whole.buckets[upper] ?? 0) + count
    }
  }
  return whole
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
  const means = run.map(({ buckets }) => {
    let [sum, count] = [0, 0]
    for (const [upper, times] of Object.entries(buckets)) {
      sum += times * Math.log(Math.max(Number(upper), 1))
      count += times
    }
    return count === 0 ? undefined : sum / count
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
  /** Additions that one look at every unit takes. */
  readonly cost: number
}

/**
 * Counts of all units over the buckets that any of them has. A percentile is the nearest rank, placed
 * within its bucket by its rank among those in it: it is off by less than 1 %, the width of a bucket.
 */
export function createUnitPool(units: readonly Block[]): UnitPool {
  const uppers = [...new Set(units.flatMap(({ buckets }) => Object.keys(buckets)))]
    .map(Number)
    .toSorted((one, other) => one - other)
  const places = new Map(uppers.map((upper, place) => [upper, place]))
  const sparse = units.map(({ expected, acks, buckets }) => {
    const entries = Object.entries(buckets).map(
      ([upper, count]) => [places.get(Number(upper)) ?? 0, count] as const,
    )
    return {
      expected,
      acks,
      places: Uint32Array.from(entries, ([place]) => place),
      counts: Float64Array.from(entries, ([, count]) => count),
    }
  })
  const totals = new Float64Array(uppers.length)

  const percentile = (share: number, n: number): number => {
    const rank = Math.ceil(share * n)
    let below = 0
    for (let place = 0; place < totals.length; place++) {
      const count = totals[place] ?? 0
      if (count > 0 && below + count >= rank) {
        const upper = uppers[place] ?? 0
        const lower = upper / widthOfBuckets
        return (lower + ((rank - below) / count) * (upper - lower)) / 1000
      }
      below += count
    }
    return Number.NaN
  }

  return {
    cost: sparse.reduce((sum, unit) => sum + unit.places.length, 0) + 2 * uppers.length,
    figuresOf(drawn) {
      totals.fill(0)
      let [n, acks, expected] = [0, 0, 0]
      for (const index of drawn) {
        const unit = sparse[index]
        if (!unit) continue
        acks += unit.acks
        expected += unit.expected
        for (let entry = 0; entry < unit.places.length; entry++) {
          const count = unit.counts[entry] ?? 0
          const place = unit.places[entry] ?? 0
          totals[place] = (totals[place] ?? 0) + count
          n += count
        }
      }
      return {
        median: percentile(0.5, n),
        p95: percentile(0.95, n),
        loss: 1 - acks / expected,
      }
    },
  }
}
