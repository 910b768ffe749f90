import type { Cell, DifferingRow, QueryComparison, QueryTable } from '@corroport/contracts'

export interface NodeTable {
  nodeId: string
  table: QueryTable
}

/** Tables that cannot be held against each other; the message says why. */
export class IncomparableError extends Error {
  override name = 'IncomparableError'
}

const differencesShown = 200
const longestGuessedKey = 3

type Row = readonly Cell[]
/** The rows of one node, by what makes a row the same row. */
interface Held {
  nodeId: string
  rows: Map<string, Row>
}

/**
 * Holds what the nodes answered against each other. Rows are matched by the columns of `key`, else by
 * the fewest first columns that no node has twice, else as a whole.
 */
export function compareTables(
  nodes: readonly NodeTable[],
  key: readonly string[] = [],
): QueryComparison {
  const columns = commonColumns(nodes)
  const places = key.length > 0 ? placesOf(key, columns) : guessKey(nodes, columns.length)
  const held = nodes.map(({ nodeId, table }) => ({ nodeId, rows: index(table.rows, places) }))
  if (key.length > 0) refuseDoubles(nodes, held, key)

  const keys = new Set(held.flatMap(({ rows }) => [...rows.keys()]))
  const differing: DifferingRow[] = []
  let differingRows = 0
  for (const each of keys) {
    const difference = differenceOf(each, held, columns, places)
    if (difference === undefined) continue
    differingRows++
    if (differing.length < differencesShown) differing.push(difference)
  }
  return {
    is_equal: differingRows === 0,
    is_complete: nodes.every(({ table }) => table.cut === null),
    key: (places ?? []).map((place) => columns[place] ?? ''),
    equal_rows: keys.size - differingRows,
    differing,
    differing_rows: differingRows,
  }
}

function commonColumns(nodes: readonly NodeTable[]): readonly string[] {
  const [first, ...others] = nodes
  const columns = first?.table.columns ?? []
  const other = others.find(
    ({ table }) => JSON.stringify(table.columns) !== JSON.stringify(columns),
  )
  if (first === undefined || other === undefined) return columns
  throw new IncomparableError(
    `${first.nodeId} has the columns ${columns.join(', ')} and ${other.nodeId} has ${other.table.columns.join(', ')}`,
  )
}

function placesOf(key: readonly string[], columns: readonly string[]): number[] {
  return key.map((name) => {
    const place = columns.indexOf(name)
    if (place !== -1) return place
    throw new IncomparableError(`there is no column ${name} to tell rows apart by`)
  })
}

/** No places: one row of each node, which is the same row. Undefined: whole rows. */
function guessKey(nodes: readonly NodeTable[], width: number): number[] | undefined {
  if (nodes.every(({ table }) => table.rows.length === 1)) return []
  for (let length = 1; length <= Math.min(width, longestGuessedKey); length++) {
    const places = Array.from({ length }, (_, place) => place)
    const isUnique = nodes.every(({ table: { rows } }) => {
      return new Set(rows.map((row) => keyOf(row, places))).size === rows.length
    })
    if (isUnique) return places
  }
  return undefined
}

/** Cells are canonical, so equal values have equal texts. */
function keyOf(row: Row, places: readonly number[]): string {
  return JSON.stringify(places.map((place) => row[place]))
}

function index(rows: readonly Row[], places: readonly number[] | undefined): Map<string, Row> {
  if (places) return new Map(rows.map((row) => [keyOf(row, places), row]))
  const seen = new Map<string, number>()
  return new Map(
    rows.map((row) => {
      const text = JSON.stringify(row)
      const times = (seen.get(text) ?? 0) + 1
      seen.set(text, times)
      return [`${times} ${text}`, row]
    }),
  )
}

function refuseDoubles(
  nodes: readonly NodeTable[],
  held: readonly Held[],
  key: readonly string[],
): void {
  const place = nodes.findIndex(({ table }, at) => table.rows.length !== held[at]?.rows.size)
  const node = nodes[place]
  if (node === undefined) return
  throw new IncomparableError(`${node.nodeId} has several rows with the same ${key.join(', ')}`)
}

function differenceOf(
  key: string,
  held: readonly Held[],
  columns: readonly string[],
  places: readonly number[] | undefined,
): DifferingRow | undefined {
  const found = held.flatMap(({ nodeId, rows }) => {
    const row = rows.get(key)
    return row === undefined ? [] : [{ nodeId, row }]
  })
  const cells = columns.flatMap((column, place) => {
    const values = Map.groupBy(found, ({ row }) => JSON.stringify(row[place]))
    if (values.size < 2) return []
    return [
      {
        column,
        values: [...values.values()].map((same) => ({
          value: same[0]?.row[place] ?? null,
          node_ids: same.map(({ nodeId }) => nodeId),
        })),
      },
    ]
  })
  if (cells.length === 0 && found.length === held.length) return undefined
  const row = found[0]?.row ?? []
  return {
    key: places ? places.map((place) => row[place] ?? null) : [...row],
    missing_on: held.flatMap(({ nodeId, rows }) => (rows.has(key) ? [] : nodeId)),
    cells,
  }
}
