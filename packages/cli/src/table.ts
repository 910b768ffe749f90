import type { Terminal } from './terminal.ts'
import { fit, type Part, printable, textOf, widthOf } from './text.ts'

const gap = '  '
const narrowest = 6

export function printTable(
  head: readonly string[],
  rows: readonly (readonly Part[])[],
  terminal: Terminal,
): void {
  for (const line of formatTable(head, rows, terminal.width)) terminal.print(...line)
}

/** Aligned lines, head first. Too wide for the terminal, the widest columns are cut. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Part[])[],
  width: number,
): Part[][] {
  const lines = [head.map((text): Part => ({ text, style: 'dim' })), ...rows].map((line) =>
    line.map((cell) => withText(cell, printable(textOf(cell)))),
  )
  const widths = fitWidths(
    head.map((_, column) => Math.max(...lines.map((line) => widthOf(textOf(line[column] ?? ''))))),
    width - gap.length * (head.length - 1),
  )
  return lines.map((line) =>
    line.flatMap((cell, column) => {
      const columnWidth = widths[column] ?? 0
      const text = fit(textOf(cell), columnWidth)
      const isLast = line.slice(column + 1).every((later) => textOf(later) === '')
      const padding = isLast ? '' : ' '.repeat(columnWidth - widthOf(text)) + gap
      return [withText(cell, text), padding]
    }),
  )
}

function withText(cell: Part, text: string): Part {
  return typeof cell === 'string' ? text : { ...cell, text }
}

function fitWidths(natural: readonly number[], available: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, width) => sum + width, 0) - available
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths))
    const width = widths[widest]
    if (width === undefined || width <= narrowest) break
    widths[widest] = width - 1
    excess -= 1
  }
  return widths
}
