import { queryLimits } from '@corroport/contracts'
import { given, type RawSearch, readChoice, readText, readWhole } from '../../search.ts'
import { type Cell, isCell } from './cell.ts'

/** What is asked, and of whom. Absent is the default of the gateway. */
export interface QuerySearch {
  sql?: string
  params?: Record<string, Cell>
  source?: 'analytics'
  /** `all`, or names with commas. */
  nodes?: string
  /** Columns with commas, by which rows of several nodes are the same row. */
  key?: string
  rows?: number
  timeout?: number
  /** Of a shared link: a person is asked whether to run it. */
  run?: 1
}

/** Undefined takes a part away. */
export type QueryChange = { [Key in keyof QuerySearch]: QuerySearch[Key] | undefined }

export function querySearch(raw: RawSearch): QuerySearch {
  const { rows, timeoutMs, sqlCharacters } = queryLimits
  return given({
    sql: readText(raw.sql, sqlCharacters),
    params: readParams(raw.params),
    source: readChoice(raw.source, ['analytics']),
    nodes: readText(raw.nodes, 4000),
    key: readText(raw.key),
    rows: readWhole(raw.rows, rows.least, rows.most),
    timeout: readWhole(raw.timeout, timeoutMs.least, timeoutMs.most),
    run: readWhole(raw.run, 1, 1) as 1 | undefined,
  })
}

function readParams(raw: unknown): Record<string, Cell> | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined
  const cells = Object.entries(raw).filter((entry): entry is [string, Cell] => isCell(entry[1]))
  return cells.length === 0 ? undefined : Object.fromEntries(cells)
}
