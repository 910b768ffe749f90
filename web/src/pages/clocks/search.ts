import { given, type RawSearch, readText } from '../../search.ts'

interface ClocksSearch {
  /** Whose history is shown; without it that of the first of the table. */
  node?: string
  /** Of the propagation. */
  table?: string
}

export function clocksSearch(raw: RawSearch): ClocksSearch {
  return given({ node: readText(raw.node, 64), table: readText(raw.table, 200) })
}
