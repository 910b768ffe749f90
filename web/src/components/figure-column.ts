import type { Column } from './Table.tsx'

/** A column of numbers: sorted by the number, shown as `text` makes of it. */
export function figureColumn<Row, Value extends number | null>(
  id: string,
  title: string,
  value: (row: Row) => Value,
  text: (value: Value) => string,
): Column<Row> {
  return { id, title, align: 'right', value, cell: (row) => text(value(row)) }
}
