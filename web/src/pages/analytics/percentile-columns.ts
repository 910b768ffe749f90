import type { Distribution } from '@corroport/contracts'
import type { Column } from '../../components/Table.tsx'
import { percentileText } from './figure-text.ts'

type Percentiles = Pick<Distribution, 'n' | 'p50_ms' | 'p95_ms' | 'p99_ms'>

/** The percentiles of a distribution; one that is absent says how many samples it needs. */
export function percentileColumns<Row>(of: (row: Row) => Percentiles): Column<Row>[] {
  return (['p50', 'p95', 'p99'] as const).map((name) => ({
    id: `${name}_ms`,
    title: name,
    align: 'right',
    value: (row) => of(row)[`${name}_ms`],
    cell: (row) => percentileText(of(row), name),
  }))
}
