import type { QueryTable } from '@corroport/contracts'
import { toCsv } from '../../components/csv.ts'
import { download } from '../../components/download.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { CellView } from './CellView.tsx'
import { type Cell, kindOf, kindsOf, plainValue, sortValue } from './cell.ts'

interface Row {
  index: number
  cells: readonly Cell[]
}

/** The rows that one node gave. */
export function ResultTable({ table, caption }: { table: QueryTable; caption: string }) {
  const rows = table.rows.map((cells, index): Row => ({ index, cells }))
  const columns = table.columns.map((title, place) => columnOf(title, place, rows))
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={rows}
      keyOf={({ index }) => String(index)}
      empty="No row fits the statement."
    />
  )
}

/** Names may repeat, so a column is known by its place. */
function columnOf(title: string, place: number, rows: readonly Row[]): Column<Row> {
  const cells = rows.map((row) => row.cells[place] ?? null)
  const isNumeric = cells.some((cell) => cell !== null) && cells.every(isNumberOrNull)
  return {
    id: String(place),
    title,
    note: kindsOf(cells),
    cell: (row) => <CellView cell={row.cells[place] ?? null} />,
    value: (row) => sortValue(row.cells[place] ?? null),
    ...(isNumeric ? { align: 'right' } : {}),
  }
}

function isNumberOrNull(cell: Cell): boolean {
  return ['NULL', 'integer', 'real'].includes(kindOf(cell))
}

/** Saves what came, in the order in which it came. */
export function SaveTable({ table, file }: { table: QueryTable; file: string }) {
  const { columns, rows } = table
  const saveCsv = () =>
    download(`${file}.csv`, 'text/csv', toCsv([columns, ...rows.map((row) => row.map(plainValue))]))
  const saveJson = () =>
    download(
      `${file}.json`,
      'application/json',
      `${JSON.stringify({ columns, rows, cut: table.cut }, null, 2)}\n`,
    )
  return (
    <>
      <button type="button" className="quiet" onClick={saveCsv} aria-label={`Save ${file} as CSV`}>
        CSV
      </button>
      <button
        type="button"
        className="quiet"
        onClick={saveJson}
        aria-label={`Save ${file} as JSON`}
      >
        JSON
      </button>
    </>
  )
}
