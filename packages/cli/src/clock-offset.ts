import { type ClockState, ClocksReply, createParser } from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { boundText } from './experiment-figures.ts'
import type { Gateway } from './gateway-client.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

export const clockStyles = { ok: 'green', alarm: 'red', unknown: 'yellow' } as const

// More would be a wall of text; `corroport clocks` has them all.
const mostShown = 8

/** `+0.25 ms` */
export function offsetText(offsetMs: number | null): string {
  if (offsetMs === null) return '–'
  return `${offsetMs < 0 ? '' : '+'}${formatDuration(offsetMs)}`
}

/** One line with the clocks of these nodes as they are now; of many, those that are furthest off. */
export async function printClocks(
  gateway: Gateway,
  nodeIds: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { clocks, reference } = await gateway.get(
    '/api/clocks',
    createParser('clocks', ClocksReply),
  )
  const all = clocks.filter(({ node_id }) => nodeIds.includes(node_id))
  const shown =
    all.length > mostShown ? all.toSorted((a, b) => far(b) - far(a)).slice(0, mostShown) : all
  const count = all.length > shown.length ? `, ${shown.length} furthest of ${all.length}` : ''
  terminal.print('')
  terminal.print(
    `clocks against ${reference}${count}: `,
    ...shown.flatMap((clock, index): Part[] => [
      index === 0 ? '' : ', ',
      { text: clock.node_id, style: clockStyles[clock.state] },
      clock.state === 'unknown'
        ? ' unknown'
        : ` ${offsetText(clock.offset_ms)} ${boundText(clock.bound_ms)}`,
    ]),
  )
}

function far({ offset_ms: offset }: ClockState): number {
  return offset === null ? Number.POSITIVE_INFINITY : Math.abs(offset)
}
