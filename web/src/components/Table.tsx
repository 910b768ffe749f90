import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react'
import { toCsv } from './csv.ts'
import { download } from './download.ts'

export interface Column<Row> {
  id: string
  title: string
  /** Beneath the title: a type, a unit. */
  note?: string
  cell: (row: Row) => ReactNode
  /** For sorting and for files: the plain value. Without it the column is in neither. */
  value?: (row: Row) => string | number | null
  align?: 'right'
}

interface TableProps<Row> {
  /** What the table is about, for those who cannot see where it stands. */
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  empty: ReactNode
  /** Of a row that is marked: the chosen one, the local node. */
  isMarked?: (row: Row) => boolean
  /** Name of the files that it can be saved as; without it there are none. */
  file?: string
  sortBy?: { column: string; isDescending: boolean }
  /** From so many rows on only those in sight are made; fewer where rows change all the time. */
  virtualFrom?: number
}

const rowHeight = 33
const defaultVirtualFrom = 150

/** A table that sorts by its headings, is saved as CSV or JSON, and stays quick with many rows. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, empty, isMarked, file, sortBy } = props
  const { virtualFrom = defaultVirtualFrom } = props
  const [sort, setSort] = useState(sortBy)
  const scroller = useRef<HTMLElement>(null)
  const sorted = sortRows(rows, columns, sort)
  const isVirtual = sorted.length > virtualFrom
  const virtualizer = useVirtualizer({
    count: isVirtual ? sorted.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const items = virtualizer.getVirtualItems()
  const shown = isVirtual ? items.map(({ index }) => index) : [...sorted.keys()]
  const before = isVirtual ? (items[0]?.start ?? 0) : 0
  const after = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0

  const toggle = (column: string): void =>
    setSort((old) => ({ column, isDescending: old?.column === column && !old.isDescending }))

  if (rows.length === 0) return <div className="empty">{empty}</div>
  return (
    <div className="table">
      {file !== undefined && <Files {...{ file, columns }} rows={sorted} />}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- its rows take them */}
      <section
        className={isVirtual ? 'scroller tall' : 'scroller'}
        ref={scroller}
        tabIndex={0}
        aria-label={caption}
        onKeyDown={moveBetweenRows}
      >
        <table aria-rowcount={isVirtual ? sorted.length + 1 : undefined}>
          <caption className="unseen">{caption}</caption>
          <Head {...{ columns, sort }} onSort={toggle} />
          <tbody>
            {before > 0 && <tr style={{ height: before }} aria-hidden="true" />}
            {shown.map((index) => {
              const row = sorted[index]
              if (row === undefined) return null
              return (
                <tr
                  key={keyOf(row)}
                  className={isMarked?.(row) ? 'marked' : undefined}
                  // Of those that are not made, nothing else tells. The first is that of the titles.
                  aria-rowindex={isVirtual ? index + 2 : undefined}
                >
                  {columns.map(({ id, cell, align }) => (
                    <td key={id} className={align}>
                      {cell(row)}
                    </td>
                  ))}
                </tr>
              )
            })}
            {after > 0 && <tr style={{ height: after }} aria-hidden="true" />}
          </tbody>
        </table>
      </section>
    </div>
  )
}

interface HeadProps<Row> {
  columns: readonly Column<Row>[]
  sort: Sort
  onSort: (column: string) => void
}

function Head<Row>({ columns, sort, onSort }: HeadProps<Row>) {
  return (
    <thead>
      <tr>
        {columns.map(({ id, title, note, value, align }) => (
          <th key={id} scope="col" className={align} aria-sort={ariaSort(id, sort)}>
            {value ? (
              <button type="button" onClick={() => onSort(id)}>
                {title}
                <span aria-hidden="true">{arrowOf(id, sort)}</span>
              </button>
            ) : (
              title
            )}
            {note !== undefined && <small>{note}</small>}
          </th>
        ))}
      </tr>
    </thead>
  )
}

interface FilesProps<Row> {
  file: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
}

function Files<Row>({ file, columns, rows }: FilesProps<Row>) {
  const kept = columns.filter(({ value }) => value !== undefined)
  const values = () => rows.map((row) => kept.map(({ value }) => value?.(row) ?? null))
  const saveCsv = () =>
    download(`${file}.csv`, 'text/csv', toCsv([kept.map(({ title }) => title), ...values()]))
  const saveJson = () => {
    const objects = values().map((row) =>
      Object.fromEntries(row.map((value, index) => [kept[index]?.id ?? '', value])),
    )
    download(`${file}.json`, 'application/json', `${JSON.stringify(objects, null, 2)}\n`)
  }
  return (
    <div className="files">
      <button type="button" className="quiet" onClick={saveCsv}>
        CSV
      </button>
      <button type="button" className="quiet" onClick={saveJson}>
        JSON
      </button>
    </div>
  )
}

type Sort = TableProps<never>['sortBy']

function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort) {
  const value = columns.find(({ id }) => id === sort?.column)?.value
  if (!sort || !value) return rows
  const sign = sort.isDescending ? -1 : 1
  return rows.toSorted((a, b) => {
    const [first, second] = [value(a), value(b)]
    // What is absent comes last, whichever way round.
    if (first === null || second === null) return Number(first === null) - Number(second === null)
    return sign * compare(first, second)
  })
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en', { numeric: true })
}

function ariaSort(id: string, sort: Sort): 'ascending' | 'descending' | undefined {
  if (sort?.column !== id) return undefined
  return sort.isDescending ? 'descending' : 'ascending'
}

function arrowOf(id: string, sort: Sort): string {
  if (sort?.column !== id) return ''
  return sort.isDescending ? ' ↓' : ' ↑'
}

/** Up and down go to the link or button that stands first in the row above or below. */
function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const row = event.target instanceof HTMLElement ? event.target.closest('tbody tr') : null
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling
  const target = next?.querySelector<HTMLElement>('a, button, input')
  if (!target) return
  event.preventDefault()
  target.focus()
}
