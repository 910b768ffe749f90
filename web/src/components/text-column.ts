import type { Column } from './Table.tsx'

/** A column of words, shown as they are. */
export function textColumn<Row>(
  id: string,
  title: string,
  value: (row: Row) => string | null,
): Column<Row> {
  return { id, title, value, cell: value }
}
