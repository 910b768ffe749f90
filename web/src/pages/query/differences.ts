import type { DifferingRow } from '@corroport/contracts'
import { type Cell, cellText, kindOf } from './cell.ts'

/** One cell, or one row, that is not the same on all nodes. */
export interface Difference {
  id: string
  key: readonly Cell[]
  /** Null: the row as a whole. */
  column: string | null
  /** Most nodes first. */
  values: { text: string; value?: Cell; nodeIds: readonly string[] }[]
}

/** First which nodes lack a row, then its cells. */
export function differencesOf(
  rows: readonly DifferingRow[],
  answered: readonly string[],
): Difference[] {
  return rows.flatMap(({ key, missing_on: missingOn, cells }, index) => {
    const own = cells.map(({ column, values }): Difference => {
      const found = values.map(({ value, node_ids: nodeIds }) => {
        return { text: `${kindOf(value)} ${cellText(value)}`, value, nodeIds }
      })
      return { id: `${index} ${column}`, key, column, values: mostFirst(found) }
    })
    if (missingOn.length === 0) return own
    const there = answered.filter((nodeId) => !missingOn.includes(nodeId))
    const values = mostFirst([
      { text: 'there', nodeIds: there },
      { text: 'missing', nodeIds: missingOn },
    ])
    return [{ id: `${index}`, key, column: null, values }, ...own]
  })
}

function mostFirst<Value extends { nodeIds: readonly string[] }>(values: Value[]): Value[] {
  return values.toSorted((a, b) => b.nodeIds.length - a.nodeIds.length)
}
