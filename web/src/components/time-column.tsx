import type { Column } from './Table.tsx'
import { Time } from './Time.tsx'

/** A column of moments with their day; null has not come. */
export function timeColumn<Row>(
  id: string,
  title: string,
  value: (row: Row) => string | number | null,
): Column<Row> {
  const cell = (row: Row) => {
    const at = value(row)
    return at === null ? '–' : <Time at={at} withDate />
  }
  return { id, title, value, cell }
}
