import type { ComparedFigure, Comparison, Transport } from '@corroport/contracts'
import { unitsNeeded } from './units.ts'

interface Described extends Pick<Comparison, 'a' | 'b' | 'unit'> {
  /** What else differs between the sides, in short. */
  differing: readonly string[]
  compared: readonly {
    transport: Transport
    /** Another one where the sides have none in common. */
    transportOfA: Transport
    sizes: readonly [number, number]
    figures: readonly ComparedFigure[]
  }[]
}

/** What may be concluded, for a person to quote: one sentence for each transport. */
export function describeComparison({ a, b, unit, differing, compared }: Described): string {
  const isItself = a.ids.toSorted().join() === b.ids.toSorted().join()
  const names: Names = isItself
    ? { a: `one half of ${nameOf(a.ids)}`, b: 'the other half' }
    : { a: nameOf(a.ids), b: nameOf(b.ids) }
  if (compared.length === 0) return `${names.a} and ${names.b} have nothing to compare.`
  const sentences = compared.map(({ transport, transportOfA, sizes, figures }) =>
    describeTransport(figures, {
      names,
      over: transport === transportOfA ? transport : `${transportOfA} and ${transport}`,
      size: `${sizes.join(' and ')} ${unit}`,
    }),
  )
  const isDifferent = compared.some(({ figures }) =>
    figures.some(({ verdict }) => verdict === 'different'),
  )
  if (isItself && isDifferent) {
    sentences.push(
      'This was measured once: chance finds a difference in up to 5 of 100 such checks of each transport, so look again with another seed.',
    )
  }
  if (differing.length > 0) sentences.push(`But their ${listOf(differing)} differ too.`)
  return sentences.join(' ')
}

interface Names {
  a: string
  b: string
}

function describeTransport(
  figures: readonly ComparedFigure[],
  { names, over, size }: { names: Names; over: string; size: string },
): string {
  const of = (wanted: ComparedFigure['verdict']) =>
    figures.filter(({ verdict }) => verdict === wanted)
  const [different, notShown, tooFew] = [of('different'), of('not-shown'), of('too-few')]
  const [shown] = notShown
  const rest = tooFew.length > 0 ? `; of ${namesOf(tooFew)} too little was measured` : ''
  if (different.length > 0) {
    const clauses = different.map((figure) => `${directionOf(figure)}: ${describeFigure(figure)}`)
    const others = shown ? `; no difference of ${namesOf(notShown)} could be shown` : ''
    return `Over ${over}, ${names.b} ${clauses.join('; it ')}; compared with ${names.a} in ${size}${others}${rest}.`
  }
  if (!shown) {
    return `Over ${over}, too little was measured to compare ${names.b} with ${names.a}: ${size}, and ${unitsNeeded} of each with acknowledgements are needed.`
  }
  const seen = notShown.flatMap((figure) =>
    figure.smallest_effect === null
      ? []
      : `${write(figure.smallest_effect, figure)} of ${figure.figure}`,
  )
  const blindness =
    seen.length === 0
      ? ''
      : `; ${listOf(seen)} or more would have been seen in 80 of 100 such comparisons`
  return `Over ${over}, no difference of ${namesOf(notShown)} between ${names.a} and ${names.b} could be shown: ${describeFigure(shown)}, in ${size}${blindness}${rest}.`
}

function directionOf({ figure, difference }: ComparedFigure): string {
  const isMore = (difference ?? 0) > 0
  if (figure === 'loss') return isMore ? 'loses more' : 'loses less'
  if (figure === 'p95') return isMore ? 'has slower stragglers' : 'has faster stragglers'
  return isMore ? 'is slower' : 'is faster'
}

function describeFigure(figure: ComparedFigure): string {
  const { a, b, difference, interval, relative } = figure
  const share = relative === null ? '' : `, ${signed((relative * 100).toFixed(0))} %`
  const range = interval
    ? `, 95 % interval ${signed(write(interval[0], figure))} to ${signed(write(interval[1], figure))}`
    : ''
  return `${figure.figure} ${write(a ?? 0, figure)} → ${write(b ?? 0, figure)} (${signed(write(difference ?? 0, figure))}${share}${range})`
}

/** With a sign where it is not zero as it is written. */
function signed(text: string): string {
  const size = text.replace('-', '')
  if (!/[1-9]/.test(size)) return size
  return text.startsWith('-') ? `−${size}` : `+${size}`
}

/** Three digits that matter; a share as percent, or percent points. */
function write(value: number, { unit }: ComparedFigure): string {
  const shown = unit === 'ms' ? value : value * 100
  const size = Math.abs(shown)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3
  return `${shown.toFixed(digits)} ${unit === 'ms' ? 'ms' : '%'}`
}

function nameOf(ids: readonly string[]): string {
  const [first = 'nothing', ...others] = ids
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

const namesOf = (figures: readonly ComparedFigure[]): string =>
  listOf(figures.map(({ figure }) => figure))

function listOf(texts: readonly string[]): string {
  const [last = '', ...before] = texts.toReversed()
  return before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`
}
