import { type Cell, type QueryRequest, queryLimits } from '@corroport/contracts'
import { shellCommand } from '../../format/shell.ts'
import { cellText } from './cell.ts'
import type { QuerySearch } from './search.ts'

/** What the gateway is asked; what has its default is left out. */
export function toRequest(query: QuerySearch, params: Record<string, Cell>): QueryRequest {
  const { sql = '', source, nodes, key, rows, timeout } = query
  const isOfNodes = source === undefined
  return {
    sql,
    ...(Object.keys(params).length > 0 ? { params } : {}),
    ...(source === undefined ? {} : { source }),
    ...(isOfNodes && nodes !== undefined
      ? { nodes: nodes === 'all' ? ('all' as const) : namesOf(nodes) }
      : {}),
    ...(isOfNodes && nodes !== undefined && key !== undefined ? { key: namesOf(key) } : {}),
    ...(rows === undefined ? {} : { max_rows: rows }),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
  }
}

export function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** `explain` as the engine of the source has it. */
export function explanationOf(source: QuerySearch['source']): string {
  return source === 'analytics' ? 'EXPLAIN ' : 'EXPLAIN QUERY PLAN '
}

interface Place {
  origin: string
  /** Whether the gateway wants to know who asks. */
  wantsToken: boolean
}

/** The token stays in the environment of whoever pastes this: a command line is seen by others. */
export function asCurl(request: QueryRequest, { origin, wantsToken }: Place): string {
  const header = 'content-type: application/json'
  const body = JSON.stringify(request)
  const words = ['curl', '-sS', `${origin}/api/query`, '-H', header, '--data-raw', body]
  const token = wantsToken ? ' -H "authorization: Bearer $CORROPORT_TOKEN"' : ''
  return `${shellCommand(words)}${token}`
}

/** Undefined where the command line has no form for a value: bytes. */
export function asCli(request: QueryRequest, { origin }: Place): string | undefined {
  const { sql, params = {}, source, nodes, key, max_rows: rows, timeout_ms: timeoutMs } = request
  const given = Object.entries(params as Record<string, Cell>)
  const values = given.map(([name, cell]) => [name, argumentOf(cell)] as const)
  if (values.some(([, value]) => value === undefined)) return undefined
  return shellCommand([
    'npx',
    'corroport',
    'query',
    ...(isDefault(origin) ? [] : ['--url', origin]),
    ...(source === undefined ? [] : ['--source', source]),
    ...(nodes === undefined ? [] : ['--nodes', nodes === 'all' ? nodes : nodes.join(',')]),
    ...(key === undefined ? [] : ['--key', key.join(',')]),
    ...values.flatMap(([name, value]) => ['--param', `${name}=${value ?? ''}`]),
    ...(rows === undefined ? [] : ['--max-rows', String(rows)]),
    ...(timeoutMs === undefined ? [] : ['--timeout', `${timeoutMs}ms`]),
    // A comment in front is no option.
    ...(sql.startsWith('-') ? ['--'] : []),
    sql,
  ])
}

/** A text that looks like something else is put into double quotes. */
function argumentOf(cell: Cell): string | undefined {
  if (typeof cell === 'object' && cell !== null && '$blob' in cell) return undefined
  if (cell === null) return 'null'
  if (typeof cell !== 'string') return cellText(cell)
  const isAmbiguous = /^(null|-?\d[^]*|"[^]*")$/.test(cell)
  return isAmbiguous ? JSON.stringify(cell) : cell
}

function isDefault(origin: string): boolean {
  return /^http:\/\/(localhost|127\.0\.0\.1):4001$/.test(origin)
}

/** How long the gateway may take for all nodes, of which it asks sixteen at once. Milliseconds. */
export function patienceMs(request: QueryRequest, nodeCount: number): number {
  const each = (request.timeout_ms ?? queryLimits.timeoutMs.default) + 2000
  return each * Math.ceil(Math.max(1, nodeCount) / 16) + 3000
}
