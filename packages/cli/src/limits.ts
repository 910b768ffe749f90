import type { ComparedFigure } from '@corroport/contracts'
import { InvalidArgumentError } from 'commander'
import type { Static } from 'typebox'
import { shareText } from './experiment-figures.ts'
import { parsePercent } from './percent.ts'

type Figure = Static<typeof ComparedFigure>

/** How much worse b may be than a. */
export interface Limit {
  kind: 'slower' | 'loss'
  share: number
}

export interface JudgedLimit {
  /** `passed`: b is worse. `unknown`: it cannot be said. */
  outcome: 'kept' | 'passed' | 'unknown'
  /** For a person. */
  text: string
}

/** For commander: `slower:10%`, `loss:0.1%`. */
export function parseLimit(text: string): Limit {
  const [, kind, share = ''] = /^(slower|loss):(.+)$/.exec(text) ?? []
  if (kind !== 'slower' && kind !== 'loss') {
    throw new InvalidArgumentError('Give slower:10% or loss:0.1%.')
  }
  return { kind, share: parsePercent(share) }
}

/** What each limit has to do with each figure. A difference that could not be shown passes none. */
export function judgeLimits(limits: readonly Limit[], figures: readonly Figure[]): JudgedLimit[] {
  return limits.flatMap((limit) => {
    const concerned = figures.filter(
      ({ figure }) => (figure === 'loss') === (limit.kind === 'loss'),
    )
    if (concerned.length === 0) {
      return [{ outcome: 'unknown', text: `${nameOf(limit)}: nothing to judge it by` } as const]
    }
    return concerned.map((figure) => judgeLimit(limit, figure))
  })
}

function judgeLimit(limit: Limit, figure: Figure): JudgedLimit {
  const what = `${nameOf(limit)}: ${figure.transport} ${figure.figure}`
  const measured = limit.kind === 'loss' ? figure.difference : figure.relative
  if (figure.verdict === 'too-few' || measured === null) {
    return { outcome: 'unknown', text: `${what}: not enough was measured` }
  }
  if (figure.verdict === 'different' && measured > limit.share) {
    return { outcome: 'passed', text: `${what}: passed, by ${shareText(measured)}` }
  }
  const smallest = smallestShare(limit, figure)
  const isBlind = figure.verdict === 'not-shown' && smallest !== undefined && smallest > limit.share
  const blindness = isBlind ? `; only ${shareText(smallest)} or more would have been seen` : ''
  return { outcome: 'kept', text: `${what}: kept${blindness}` }
}

function smallestShare({ kind }: Limit, { a, smallest_effect }: Figure): number | undefined {
  if (smallest_effect === null) return undefined
  if (kind === 'loss') return smallest_effect
  return a === null || a <= 0 ? undefined : smallest_effect / a
}

function nameOf({ kind, share }: Limit): string {
  return `${kind}:${Number((share * 100).toFixed(6))}%`
}
