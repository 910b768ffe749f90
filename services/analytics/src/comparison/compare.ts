import type { Comparison, Transport } from '@corroport/contracts'
import { compareUnits } from './compare-units.ts'
import { describeComparison } from './describe.ts'
import { seededRandom, shuffleFirst } from './seeded-random.ts'
import { type Block, correlationLength, joinNeighbours, merge } from './units.ts'

/** An experiment, and its blocks in the order of sending. */
export interface Run {
  id: string
  transports: { transport: Transport; blocks: Block[] }[]
}

export interface ComparisonInput {
  a: Run[]
  b: Run[]
  /** What else differs between the sides, in short. */
  differing: string[]
  seed: number
  resamples?: number
}

const runsNeeded = 5
const usualResamples = 10_000

/** Whole runs where both sides have five, else blocks: single messages of a run depend on each other. */
export function unitOf(a: readonly string[], b: readonly string[]): Comparison['unit'] {
  const needed = areSame(a, b) ? 2 * runsNeeded : runsNeeded
  return Math.min(a.length, b.length) >= needed ? 'runs' : 'blocks'
}

/** The ids of equal sides, in whichever order. */
export function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join()
}

/**
 * Whether two sides differ, in median, p95 and loss of each transport. What is drawn is a unit, see
 * `unitOf`. Intervals are bootstrap percentiles of the difference; a figure is called different where
 * its permutation test, corrected after Holm, is below 5 % and its interval leaves out 0. Equal sides
 * are one side, dealt at random into halves.
 */
export function compare(input: ComparisonInput): Comparison {
  const { a, b, differing, seed, resamples = usualResamples } = input
  const random = seededRandom(seed)
  const [idsOfA, idsOfB] = [idsOf(a), idsOf(b)]
  const isItself = areSame(idsOfA, idsOfB)
  const unit = unitOf(idsOfA, idsOfB)
  const warnings: string[] = []
  const compared = pairsOfTransports(a, b).map(
    ({ transport, transportOfA, blocksOfA, blocksOfB }) => {
      const made = unit === 'runs' ? wholeRuns(blocksOfA, blocksOfB) : joined(blocksOfA, blocksOfB)
      const units = isItself ? deal(made, random) : made
      if (units.areTooShort) {
        warnings.push(
          `over ${transport}, messages depend on each other for longer than a block: intervals are too narrow`,
        )
      }
      return {
        transport,
        transportOfA,
        sizes: [units.a.length, units.b.length] as const,
        figures: compareUnits({ transport, ...units, resamples, random }),
      }
    },
  )
  if (unit === 'blocks' && !isItself) {
    warnings.push(
      `blocks within runs were compared: it is not known how much repeats differ; ${runsNeeded} of each side would say`,
    )
  }
  if (compared.length === 0) warnings.push('the sides have no transport in common')
  const fewest = (side: 0 | 1) =>
    compared.length === 0 ? 0 : Math.min(...compared.map(({ sizes }) => sizes[side]))
  const comparison = {
    a: sideOf(a),
    b: sideOf(b),
    unit,
    units: [fewest(0), fewest(1)],
    resamples,
    seed,
    figures: compared.flatMap(({ figures }) => figures),
    warnings,
  } satisfies Omit<Comparison, 'sentence'>
  return {
    ...comparison,
    sentence: describeComparison({ ...comparison, differing, compared }),
  }
}

interface Units {
  a: Block[]
  b: Block[]
  areTooShort: boolean
}

function wholeRuns(a: Block[][], b: Block[][]): Units {
  return { a: a.map(merge), b: b.map(merge), areTooShort: false }
}

function joined(a: Block[][], b: Block[][]): Units {
  const correlation = correlationLength([...a, ...b])
  const [ofA, ofB] = [joinNeighbours(a, correlation), joinNeighbours(b, correlation)]
  return { a: ofA.blocks, b: ofB.blocks, areTooShort: ofA.areTooShort || ofB.areTooShort }
}

/** A side against itself: its units in two random halves. */
function deal({ a, areTooShort }: Units, random: () => number): Units {
  const order = Uint32Array.from(a.keys())
  shuffleFirst(order, order.length, random)
  const dealt = Array.from(order, (index) => a[index]).filter((block) => block !== undefined)
  const half = Math.floor(dealt.length / 2)
  return { a: dealt.slice(0, half), b: dealt.slice(half), areTooShort }
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
    transportOfA: one,
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
    ids: idsOf(runs),
    messages: blocks.reduce((sum, { messages }) => sum + messages, 0),
    acks: blocks.reduce((sum, { acks }) => sum + acks, 0),
  }
}

const idsOf = (runs: readonly Run[]): string[] => runs.map(({ id }) => id)
