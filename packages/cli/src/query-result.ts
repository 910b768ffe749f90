import type {
  Cell,
  QueryComparison,
  QueryReply,
  QueryResult,
  QueryTable,
} from '@corroport/contracts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

/** Rows, or what differs; then of each node its limits and age, or why it did not answer. */
export function showResult(reply: QueryReply, terminal: Terminal): void {
  const { results, comparison, comparison_error: incomparable } = reply
  const answered = results.filter(({ table }) => table !== null)
  if (comparison !== null && comparison.differing_rows > 0) showDifferences(comparison, terminal)
  else {
    const shown = comparison === null ? answered : answered.slice(0, 1)
    for (const { node_id: nodeId, table } of shown) {
      if (shown.length > 1) terminal.print({ text: String(nodeId), style: 'bold' })
      if (table) showTable(table, terminal)
    }
  }
  terminal.print('')
  for (const result of results) terminal.print(...lineOf(result, reply))
  if (comparison !== null) terminal.print(sentenceOf(comparison, results))
  if (incomparable !== null) terminal.print(`not compared: ${incomparable}`)
}

/** All that were asked answered, and have the same rows where they were compared. */
export function isWell({
  results,
  comparison,
  comparison_error: incomparable,
}: QueryReply): boolean {
  const hasEverybody = results.every(({ error }) => error === null)
  return hasEverybody && comparison?.is_equal !== false && incomparable === null
}

function showTable({ columns, rows }: QueryTable, terminal: Terminal): void {
  printTable(
    columns,
    rows.map((row) => row.map(partOf)),
    terminal,
  )
}

function showDifferences({ key, differing }: QueryComparison, terminal: Terminal): void {
  const rows = differing.flatMap((row): Part[][] => {
    const name = row.key.map(textOf).join(', ')
    return [
      ...row.missing_on.map((nodeId): Part[] => [
        name,
        '',
        nodeId,
        { text: 'no such row', style: 'red' },
      ]),
      ...row.cells.flatMap(({ column, values }) =>
        values.map(({ value, node_ids: ids }): Part[] => [
          name,
          column,
          ids.join(', '),
          partOf(value),
        ]),
      ),
    ]
  })
  printTable([key.join(', ') || 'ROW', 'COLUMN', 'ON', 'VALUE'], rows, terminal)
}

function lineOf(
  { node_id: nodeId, table, freshness, error }: QueryResult,
  reply: QueryReply,
): Part[] {
  const who = nodeId ?? 'analytics'
  if (table === null) return [{ text: `${who}: ${error}`, style: 'red' }]
  const { length } = table.rows
  const parts: Part[] = [`${who}: ${length} ${length === 1 ? 'row' : 'rows'} in ${table.tookMs} ms`]
  if (freshness) {
    const { neededVersions, queueSize } = freshness
    parts.push(`, ${neededVersions ?? 'unknown'} versions missing`)
    if (queueSize !== null) parts.push(`, ${queueSize} changes waiting`)
  }
  if (table.cut !== null)
    parts.push({ text: `; there are more: ${cutWords(table.cut, reply)}`, style: 'yellow' })
  return parts
}

function cutWords(cut: NonNullable<QueryTable['cut']>, { limits }: QueryReply): string {
  switch (cut) {
    case 'rows':
      return `cut after --max-rows ${limits.max_rows}`
    case 'bytes':
      return 'cut where an answer would be too large'
    case 'time':
      return `cut after --timeout ${limits.timeout_ms} ms`
    default:
      cut satisfies never
      throw new Error('unreachable: a limit that nobody knows')
  }
}

function sentenceOf(comparison: QueryComparison, results: readonly QueryResult[]): string {
  const { key, equal_rows: equal, differing_rows: differing, differing: told } = comparison
  const silent = results.filter(({ table }) => table === null).length
  const by = key.length > 0 ? `, told apart by ${key.join(', ')}` : ''
  return [
    `${equal} rows are the same on all that answered, ${differing} differ${by}`,
    ...(told.length < differing ? [`the first ${told.length} are shown`] : []),
    ...(comparison.is_complete ? [] : ['a limit cut rows, which may differ too']),
    ...(silent > 0 ? [`${silent} did not answer`] : []),
  ].join('; ')
}

function partOf(cell: Cell): Part {
  return cell === null ? { text: 'NULL', style: 'dim' } : textOf(cell)
}

function textOf(cell: Cell): string {
  if (cell === null) return 'NULL'
  if (typeof cell !== 'object') return String(cell)
  if ('$integer' in cell) return cell.$integer
  return `x'${Buffer.from(cell.$blob, 'base64').toString('hex')}'`
}
