import {
  type ComparedFigure,
  type Comparison,
  samplesNeeded,
  type Transport,
} from '@corroport/contracts'
import { describeComparison } from './describe.ts'
import { seededRandom, shuffleFirst } from './seeded-random.ts'
import {
  type Block,
  correlationLength,
  createUnitPool,
  joinNeighbours,
  merge,
  type PooledFigures,
  unitsNeeded,
} from './units.ts'

/** An experiment, and its blocks in the order of sending. */
export interface Run {
  id: string
  transports: { transport: Transport; blocks: Block[] }[]
}

export interface ComparisonInput {
  a: Run[]
  b: Run[]
  seed: number
  resamples?: number
}

const runsNeeded = 5
const mostResamples = 10_000
const fewestResamples = 1000
// Additions, which take about a second and a half.
const affordable = 1e9
const level = 0.05
// Normal quantiles of 1 − level / 2 and of 80 %: such a difference is found in 80 of 100 repeats.
const standardErrorsSeen = 1.96 + 0.84

const figureNames = ['median', 'p95', 'loss'] as const
type FigureName = (typeof figureNames)[number]

/**
 * Whether two sides differ, in median, p95 and loss of each transport. What is drawn is a whole run
 * where both sides have five, else a block of consecutive messages: single messages of a run depend
 * on each other. Intervals are bootstrap percentiles of the difference; a figure is called different
 * where its permutation test, corrected after Holm, is below 5 % and its interval leaves out 0.
 * Equal sides are one side, dealt at random into halves.
 */
export function compare(input: ComparisonInput): Comparison {
  const { a, b, seed } = input
  const random = seededRandom(seed)
  const isItself = sameIds(a, b)
  const unit = Math.min(a.length, b.length) >= (isItself ? 2 : 1) * runsNeeded ? 'runs' : 'blocks'
  const warnings = new Set<string>()
  const compared = pairsOfTransports(a, b).map(({ transport, blocksOfA, blocksOfB }) => {
    const units = isItself
      ? deal(makeUnits(blocksOfA, blocksOfA), random)
      : makeUnits(blocksOfA, blocksOfB)
    if (units.areTooShort) {
      warnings.add(
        `over ${transport}, messages depend on each other for longer than a block: intervals are too narrow`,
      )
    }
    return { ...compareUnits(transport, units), sizes: [units.a.length, units.b.length] as const }
  })

  function makeUnits(blocksOfA: Block[][], blocksOfB: Block[][]): Units {
    if (unit === 'runs') {
      return { a: blocksOfA.map(merge), b: blocksOfB.map(merge), areTooShort: false }
    }
    const correlation = correlationLength([...blocksOfA, ...blocksOfB])
    const [joinedA, joinedB] = [blocksOfA, blocksOfB].map((runs) =>
      joinNeighbours(runs, correlation),
    )
    return {
      a: joinedA?.blocks ?? [],
      b: joinedB?.blocks ?? [],
      areTooShort: joinedA?.areTooShort === true || joinedB?.areTooShort === true,
    }
  }

  function compareUnits(transport: Transport, units: Units) {
    const pool = createUnitPool([...units.a, ...units.b])
    const resamples =
      input.resamples ??
      Math.min(
        mostResamples,
        Math.max(fewestResamples, Math.floor(affordable / Math.max(2 * pool.cost, 1))),
      )
    return { figures: compareFigures({ transport, units, pool, resamples, random }), resamples }
  }

  if (unit === 'blocks' && !isItself) {
    warnings.add(
      `blocks within runs were compared: it is not known how much repeats differ; ${runsNeeded} of each side would say`,
    )
  }
  if (compared.length === 0) warnings.add('the sides have no transport in common')
  const comparison = {
    a: sideOf(a),
    b: sideOf(b),
    unit,
    units: [
      Math.min(...compared.map(({ sizes }) => sizes[0]), Number.MAX_SAFE_INTEGER),
      Math.min(...compared.map(({ sizes }) => sizes[1]), Number.MAX_SAFE_INTEGER),
    ] as [number, number],
    resamples: Math.min(...compared.map(({ resamples }) => resamples), mostResamples),
    seed,
    figures: compared.flatMap(({ figures }) => figures),
    warnings: [...warnings],
  } satisfies Omit<Comparison, 'sentence'>
  if (compared.length === 0) comparison.units = [0, 0]
  return { ...comparison, sentence: describeComparison(comparison) }
}

interface Units {
  a: Block[]
  b: Block[]
  areTooShort: boolean
}

/** A side against itself: its units in two random halves. */
function deal({ a, areTooShort }: Units, random: () => number): Units {
  const order = Uint32Array.from(a.keys())
  shuffleFirst(order, order.length, random)
  const dealt = Array.from(order, (index) => a[index]).filter((block) => block !== undefined)
  const half = Math.floor(dealt.length / 2)
  return { a: dealt.slice(0, half), b: dealt.slice(half), areTooShort }
}

function compareFigures(options: {
  transport: Transport
  units: Units
  pool: ReturnType<typeof createUnitPool>
  resamples: number
  random: () => number
}): ComparedFigure[] {
  const { transport, units, pool, resamples, random } = options
  const sizeOfA = units.a.length
  const all = Uint32Array.from([...units.a, ...units.b].keys())
  const seenA = pool.figuresOf(all.slice(0, sizeOfA))
  const seenB = pool.figuresOf(all.slice(sizeOfA))
  const samples = Math.min(sumOf(units.a, 'acks'), sumOf(units.b, 'acks'))
  const enoughUnits = Math.min(sizeOfA, units.b.length) >= unitsNeeded

  const differences = (draw: (a: Uint32Array, b: Uint32Array) => void) => {
    const drawn = { median: column(), p95: column(), loss: column() }
    const [a, b] = [new Uint32Array(sizeOfA), new Uint32Array(units.b.length)]
    for (let round = 0; round < resamples; round++) {
      draw(a, b)
      const [ofA, ofB] = [pool.figuresOf(a), pool.figuresOf(b)]
      for (const name of figureNames) drawn[name][round] = ofB[name] - ofA[name]
    }
    return drawn
  }
  const column = (): Float64Array => new Float64Array(resamples)

  const bootstrapped = enoughUnits
    ? differences((a, b) => {
        for (let at = 0; at < a.length; at++) a[at] = Math.floor(random() * a.length)
        for (let at = 0; at < b.length; at++) b[at] = sizeOfA + Math.floor(random() * b.length)
      })
    : undefined
  const relabelled = all.slice()
  const permuted = enoughUnits
    ? differences((a, b) => {
        shuffleFirst(relabelled, sizeOfA, random)
        a.set(relabelled.subarray(0, sizeOfA))
        b.set(relabelled.subarray(sizeOfA))
      })
    : undefined

  const figures = figureNames.map((name): ComparedFigure => {
    const [a, b] = [numberOf(name, seenA, samples), numberOf(name, seenB, samples)]
    const figure = {
      transport,
      figure: name,
      unit: name === 'loss' ? 'share' : 'ms',
      a,
      b,
    } as const
    const difference = a === null || b === null ? null : b - a
    const relative = difference === null || !a ? null : difference / a
    const drawn = bootstrapped?.[name].filter(Number.isFinite).toSorted()
    if (difference === null || !permuted || !drawn || drawn.length === 0) {
      return {
        ...figure,
        difference,
        interval: null,
        relative,
        p_value: null,
        smallest_effect: null,
        verdict: 'too-few',
      }
    }
    const error = standardDeviation(drawn)
    return {
      ...figure,
      difference,
      interval: [nearestRank(drawn, level / 2), nearestRank(drawn, 1 - level / 2)],
      relative,
      p_value: shareAsLarge(permuted[name], difference),
      smallest_effect: error > 0 ? standardErrorsSeen * error : null,
      verdict: 'not-shown',
    }
  })
  return judge(correctAfterHolm(figures))
}

function numberOf(name: FigureName, figures: PooledFigures, samples: number): number | null {
  const isSupported = name !== 'p95' || samples >= samplesNeeded.p95
  return isSupported && Number.isFinite(figures[name]) ? figures[name] : null
}

/** The labels as they were told are one of the permutations, so that it is never 0. */
function shareAsLarge(permuted: Float64Array, difference: number): number {
  // Sums in another order differ in their last bits.
  const least = Math.abs(difference) * (1 - 1e-9)
  let count = 1
  for (const other of permuted) if (Math.abs(other) >= least || Number.isNaN(other)) count++
  return count / (permuted.length + 1)
}

/** Smallest first, each times the number of those that are left, never below the one before. */
function correctAfterHolm(figures: readonly ComparedFigure[]): ComparedFigure[] {
  const tested = figures
    .filter((figure): figure is ComparedFigure & { p_value: number } => figure.p_value !== null)
    .toSorted((one, other) => one.p_value - other.p_value)
  const corrected = new Map<ComparedFigure, number>()
  let before = 0
  for (const [index, figure] of tested.entries()) {
    before = Math.min(1, Math.max(before, figure.p_value * (tested.length - index)))
    corrected.set(figure, before)
  }
  return figures.map((figure) => ({ ...figure, p_value: corrected.get(figure) ?? null }))
}

function judge(figures: readonly ComparedFigure[]): ComparedFigure[] {
  return figures.map((figure) => {
    const { p_value, interval } = figure
    if (p_value === null || interval === null) return figure
    const leavesOutZero = interval[0] > 0 || interval[1] < 0
    return { ...figure, verdict: p_value <= level && leavesOutZero ? 'different' : 'not-shown' }
  })
}

function nearestRank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(Math.ceil(share * sorted.length), 1) - 1] ?? Number.NaN
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / Math.max(values.length - 1, 1))
}

export function sameIds(a: readonly Run[], b: readonly Run[]): boolean {
  const ids = new Set(a.map(({ id }) => id))
  return a.length === b.length && b.every(({ id }) => ids.has(id))
}

/** The transports that both have. One of each that differ are compared with each other. */
function pairsOfTransports(a: readonly Run[], b: readonly Run[]) {
  const [ofA, ofB] = [a, b].map(
    (runs) => new Set(runs.flatMap(({ transports }) => transports.map((one) => one.transport))),
  )
  if (!ofA || !ofB) return []
  const common = [...ofB].filter((transport) => ofA.has(transport))
  const [onlyA, onlyB] = [[...ofA], [...ofB]]
  const pairs =
    common.length === 0 && onlyA.length === 1 && onlyB.length === 1
      ? onlyA.map((one, at) => [one, onlyB[at] ?? one] as const)
      : common.map((one) => [one, one] as const)
  return pairs.map(([one, other]) => ({
    transport: other,
    blocksOfA: blocksOver(a, one),
    blocksOfB: blocksOver(b, other),
  }))
}

function blocksOver(runs: readonly Run[], transport: Transport): Block[][] {
  return runs
    .map((run) => run.transports.find((one) => one.transport === transport)?.blocks ?? [])
    .filter(({ length }) => length > 0)
}

function sideOf(runs: readonly Run[]): Comparison['a'] {
  const blocks = runs.flatMap(({ transports }) => transports.flatMap((one) => one.blocks))
  return {
    ids: runs.map(({ id }) => id),
    messages: sumOf(blocks, 'messages'),
    acks: sumOf(blocks, 'acks'),
  }
}

function sumOf(blocks: readonly Block[], field: 'messages' | 'acks'): number {
  return blocks.reduce((sum, block) => sum + block[field], 0)
}
