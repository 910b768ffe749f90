import type { ComparedFigure, Comparison } from '@corroport/contracts'
import { unitsNeeded } from './units.ts'

/** What may be concluded, for a person to quote: one sentence for each transport. */
export function describeComparison(comparison: Omit<Comparison, 'sentence'>): string {
  const { a, b, figures, unit, units } = comparison
  const isItself = a.ids.toSorted().join() === b.ids.toSorted().join()
  const names: Names = isItself
    ? { a: `one half of ${nameOf(a.ids)}`, b: 'the other half' }
    : { a: nameOf(a.ids), b: nameOf(b.ids) }
  const size = `${units.join(' and ')} ${unit}`
  const transports = new Set(figures.map(({ transport }) => transport))
  if (transports.size === 0) return `${names.a} and ${names.b} have nothing to compare.`
  return [...transports]
    .map((transport) =>
      describeTransport(
        figures.filter((figure) => figure.transport === transport),
        names,
        size,
      ),
    )
    .join(' ')
}

interface Names {
  a: string
  b: string
}

function describeTransport(figures: readonly ComparedFigure[], names: Names, size: string): string {
  const over = figures[0]?.transport
  const different = figures.filter(({ verdict }) => verdict === 'different')
  if (different.length > 0) {
    const clauses = different.map((figure) => `${directionOf(figure)}: ${describeFigure(figure)}`)
    return `Over ${over}, ${names.b} ${clauses.join('; it ')}; compared with ${names.a} in ${size}.`
  }
  const shown = figures.find(({ verdict }) => verdict === 'not-shown')
  if (!shown) {
    return `Over ${over}, too little was measured to compare ${names.b} with ${names.a}: ${size}, and ${unitsNeeded} of each with acknowledgements are needed.`
  }
  const seen =
    shown.smallest_effect === null
      ? ''
      : `; one of ${write(shown.smallest_effect, shown)} or more would have been seen in 80 of 100 such comparisons`
  return `Over ${over}, no difference between ${names.a} and ${names.b} could be shown: ${describeFigure(shown)}, in ${size}${seen}.`
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

const signed = (text: string): string =>
  text.startsWith('-') ? `−${text.slice(1)}` : /[1-9]/.test(text) ? `+${text}` : text

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
