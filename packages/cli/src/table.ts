import type { Terminal } from './terminal.ts'
import { fit, type Part, printable, textOf, widthOf } from './text.ts'

const gap = '  '
const narrowest = 16

export function printTable(
  head: readonly string[],
  rows: readonly (readonly Part[])[],
  terminal: Terminal,
): void {
  for (const line of formatTable(head, rows, terminal.width)) terminal.print(...line)
}

/**
 * Aligned lines, head first. Too wide for the terminal, the last column is cut, which has the texts of
 * people; where that is not enough, each row is told in as many lines as it takes: a cut figure or key
 * is worth nothing.
 */
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
  if (widths === undefined) return lines.slice(1).flatMap((row) => tell(head, row, width))
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

/** Undefined when they do not fit. */
function fitWidths(natural: readonly number[], available: number): number[] | undefined {
  const excess = Math.max(0, natural.reduce((sum, width) => sum + width, 0) - available)
  const last = (natural.at(-1) ?? 0) - excess
  if (excess > 0 && last < narrowest) return undefined
  return [...natural.slice(0, -1), last]
}

/** The first cell, then the others after their heads, never broken between the two. */
function tell(head: readonly string[], row: readonly Part[], width: number): Part[][] {
  const lines: Part[][] = []
  let left = 0
  for (const [column, cell] of row.entries()) {
    if (textOf(cell) === '') continue
    const name = column === 0 ? '' : `${head[column]} `
    const isLast = column === head.length - 1
    const text = isLast ? fit(textOf(cell), width - gap.length - widthOf(name)) : textOf(cell)
    const needed = gap.length + widthOf(name) + widthOf(text)
    const pair: Part[] = [{ text: name, style: 'dim' }, withText(cell, text)]
    if (needed <= left) lines.at(-1)?.push(gap, ...pair)
    else lines.push(lines.length === 0 ? pair : [gap, ...pair])
    left = (needed <= left ? left : width) - needed
  }
  return lines
}
