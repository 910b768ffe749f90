import { setTimeout as wait } from 'node:timers/promises'
import { RefusalError } from '@corroport/bus'
import {
  type Cell,
  parameterNames,
  type QueryParameters,
  type QueryTable,
} from '@corroport/contracts'
import { DatabaseError, type QueryArrayResult } from 'pg'
import { reasonOf } from '../store/database.ts'
import { numberParameters } from './number-parameters.ts'
import { openReadSession, type ReadSession } from './read-session.ts'
import type { ReaderAccess, ReaderRole } from './reader-role.ts'
import { requireRead } from './require-read.ts'
import { cellOf } from './to-cell.ts'

export interface ReadRequest {
  sql: string
  params: QueryParameters
  maxRows: number
  maxBytes: number
  timeoutMs: number
}

/** Reads the tables for people. Says no with a `RefusalError`. */
export type Reader = (request: ReadRequest) => Promise<QueryTable>

export const mostAtOnce = 2
const accessTimeoutMs = 3000
const mostRowsAtOnce = 500
const canceled = '57014'
// Of temporary files: more memory than a session may have is the statement's fault.
const limitReached = '53400'
const declaration = 'DECLARE reading NO SCROLL CURSOR FOR '
const wrongPassword = ['28P01', '28000']

/**
 * Each statement has a session of its own, in which no lock and no setting of another is left. That
 * costs 10 to 20 ms.
 */
export function createReader(role: ReaderRole): Reader {
  let running = 0
  return async (request) => {
    const kind = requireRead(request.sql)
    if (running >= mostAtOnce) {
      throw new RefusalError('unavailable', `${mostAtOnce} queries run already: try again later`)
    }
    running++
    try {
      return await readOnce(role, kind, request)
    } finally {
      running--
    }
  }
}

async function readOnce(
  role: ReaderRole,
  kind: 'EXPLAIN' | 'query',
  request: ReadRequest,
): Promise<QueryTable> {
  try {
    const access = await accessOf(role)
    const session = await openReadSession(access, request.timeoutMs).catch(
      async (error: unknown) => {
        if (!(error instanceof DatabaseError) || !wrongPassword.includes(error.code ?? ''))
          throw error
        role.forget()
        return await openReadSession(await accessOf(role), request.timeoutMs)
      },
    )
    await using _session = session
    return await readRows(session, kind, request)
  } catch (error) {
    throw toRefusal(error, kind, request)
  }
}

/** It is made with the first query, by connections that wait for ever for a server that hangs. */
async function accessOf(role: ReaderRole): Promise<ReaderAccess> {
  const late = wait(accessTimeoutMs, undefined, { ref: false }).then(() => {
    throw new Error('the role for reading could not be made in time')
  })
  return await Promise.race([role.access(), late])
}

type Rows = QueryArrayResult<(string | null)[]>

async function readRows(
  session: ReadSession,
  kind: 'EXPLAIN' | 'query',
  request: ReadRequest,
): Promise<QueryTable> {
  const { client } = session
  const { sql, params, maxRows, maxBytes, timeoutMs } = request
  const begunAt = performance.now()
  const rows: Cell[][] = []
  let columns: string[] = []
  let bytes = 0

  const ended = (cut: QueryTable['cut']): QueryTable => {
    const tookMs = Math.round((performance.now() - begunAt) * 100) / 100
    return { columns, rows, cut, tookMs }
  }
  /** Within what is left of the time: a statement can lift the limit for those that follow it. */
  const run = async (text: string, values: (string | null)[] = []): Promise<Rows> => {
    const leftMs = Math.max(1, Math.floor(timeoutMs - (performance.now() - begunAt)))
    await client.query(`SET LOCAL statement_timeout = ${leftMs}`)
    // By the simple protocol a text may hold several statements.
    const query = { text, values, rowMode: 'array' as const, queryMode: 'extended' }
    return await client.query<(string | null)[]>(query)
  }
  /** Which limit left out the rest of them. */
  const take = (found: Rows): QueryTable['cut'] => {
    columns = found.fields.map(({ name }) => name)
    for (const values of found.rows) {
      const row = values.map((text, at) => cellOf(text, found.fields[at]?.dataTypeID ?? 0))
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1
      if (rows.length >= maxRows) return 'rows'
      if (bytes > maxBytes) return 'bytes'
      rows.push(row)
    }
    return null
  }

  const { text, values } = numberParameters(sql, params)
  try {
    if (kind === 'EXPLAIN') return ended(take(await run(text, values)))
    await run(declaration + text, values)
    for (let wanted = 1; ; wanted = nextBatch(rows.length, bytes, maxBytes)) {
      const found = await run(`FETCH ${wanted} FROM reading`)
      const cut = take(found)
      if (cut !== null || found.rows.length < wanted) return ended(cut)
    }
  } catch (error) {
    const isTimeUp = error instanceof DatabaseError && error.code === canceled
    if (session.endedFor === 'bytes') return ended('bytes')
    if ((isTimeUp || session.endedFor === 'time') && rows.length > 0) return ended('time')
    throw error
  }
}

/** So many more that they should not be much more than is wanted, by the size of those before. */
function nextBatch(count: number, bytes: number, maxBytes: number): number {
  const fitting = Math.ceil(((maxBytes - bytes) * count) / Math.max(1, bytes))
  return Math.min(mostRowsAtOnce, Math.max(1, Math.min(fitting, 10 * count)))
}

function toRefusal(error: unknown, kind: 'EXPLAIN' | 'query', request: ReadRequest): unknown {
  if (error instanceof RefusalError) return error
  if (!(error instanceof DatabaseError)) {
    return new RefusalError('unavailable', `postgres does not answer: ${reasonOf(error)}`)
  }
  const { code = '', message, position, hint } = error
  if (code === canceled) {
    const words = `no row came in ${request.timeoutMs} ms: ask for less, or give it more time`
    return new RefusalError('invalid', words)
  }
  // 08: connection, 53: resources, 57: an operator, XX: inside; 28 and 3D: who may connect, and where.
  if (/^(08|28|3D|53|57|XX)/.test(code) && code !== limitReached)
    return new RefusalError('unavailable', `postgres: ${message}`)
  const before = kind === 'EXPLAIN' ? 0 : declaration.length
  const place = placeOf(request.sql, Number(position) - 1 - before)
  return new RefusalError('invalid', `${message}${place}${hint === undefined ? '' : ` (${hint})`}`)
}

/** Of a statement whose parameters had names it is only about right, so it is not said. */
function placeOf(sql: string, offset: number): string {
  if (!(offset >= 0) || parameterNames(sql, 'analytics').length > 0) return ''
  const before = Array.from(sql).slice(0, offset).join('').split('\n')
  return `, line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}
