import { type ComparedFigure, samplesNeeded, type Transport } from '@corroport/contracts'
import { shuffleFirst } from './seeded-random.ts'
import { type Block, createUnitPool, type PooledFigures, unitsNeeded } from './units.ts'

const level = 0.05
// Normal quantiles of 1 − level / 2 and of 80 %: such a difference is found in 80 of 100 repeats.
const standardErrorsSeen = 1.96 + 0.84

const figureNames = ['median', 'p95', 'loss'] as const
type FigureName = (typeof figureNames)[number]

/** The figures of two sides, each of several units, and whether they differ. See `compare`. */
export function compareUnits(options: {
  transport: Transport
  a: Block[]
  b: Block[]
  resamples: number
  random: () => number
}): ComparedFigure[] {
  const { transport, a: unitsOfA, b: unitsOfB, resamples, random } = options
  const pool = createUnitPool([...unitsOfA, ...unitsOfB])
  const [sizeOfA, sizeOfB] = [unitsOfA.length, unitsOfB.length]
  const all = Uint32Array.from({ length: sizeOfA + sizeOfB }, (_, unit) => unit)
  const seenA = pool.figuresOf(all.subarray(0, sizeOfA))
  const seenB = pool.figuresOf(all.subarray(sizeOfA))
  const samples = Math.min(acksOf(unitsOfA), acksOf(unitsOfB))
  const enoughUnits = Math.min(sizeOfA, sizeOfB) >= unitsNeeded

  const differences = (draw: (a: Uint32Array, b: Uint32Array) => void) => {
    const drawn = { median: column(), p95: column(), loss: column() }
    const [a, b] = [new Uint32Array(sizeOfA), new Uint32Array(sizeOfB)]
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
  const permuted = enoughUnits
    ? differences((a, b) => {
        shuffleFirst(all, sizeOfA, random)
        a.set(all.subarray(0, sizeOfA))
        b.set(all.subarray(sizeOfA))
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

function acksOf(units: readonly Block[]): number {
  return units.reduce((sum, { acks }) => sum + acks, 0)
}
