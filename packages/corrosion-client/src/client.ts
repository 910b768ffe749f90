import { asInteger, asList, asNumber, asText, isObject, parseObject } from './decode.ts'
import {
  CorrosionConnectionError,
  CorrosionProtocolError,
  CorrosionResponseError,
  StreamLostError,
} from './errors.ts'
import { decodeHealth, type Health, type HealthThresholds, healthPath } from './health.ts'
import { stringifyJson } from './json.ts'
import { createLineSplitter, readLines } from './ndjson.ts'
import { encodeStatement, type Statement, sqlOf } from './statement.ts'
import { requireOneRead } from './statement-gate.ts'
import {
  decodeCells,
  decodeColumns,
  decodeSubscriptionLine,
  type SubscribeOptions,
  type Subscription,
} from './subscription.ts'
import {
  type AgentRequest,
  type AgentStream,
  type AnswerReader,
  createTransport,
} from './transport.ts'
import { decodeUpdateLine, type Updates } from './updates.ts'
import type { SqliteValue } from './values.ts'

export interface CorrosionClientOptions {
  /** Origin of the agent's HTTP API: `http://127.0.0.1:8081`. */
  url: string
  /** Where the agent has `api.authz.bearer-token`. */
  bearerToken?: string | undefined
  /** For queries that name none. Default 10 s. */
  queryTimeoutMs?: number | undefined
  /** For transactions that name none. Default 30 s. */
  transactTimeoutMs?: number | undefined
  /** A longer line of an answer is refused. Default 64 MiB. */
  maxLineBytes?: number | undefined
}

export interface RequestOptions {
  signal?: AbortSignal | undefined
  /**
   * From sending to the last byte; the agent interrupts SQLite at the same time, rounded up to 1 s
   * (klukai takes it for minutes, and works on).
   */
  timeoutMs?: number | undefined
  /** When the agent interrupts SQLite, where that is to be another time. */
  interruptMs?: number | undefined
}

export interface QueryOptions extends RequestOptions {
  /** Stops reading after so many rows. */
  maxRows?: number | undefined
}

export interface RowsOptions extends RequestOptions {
  /** Called before the first row. */
  onColumns?: ((columns: string[]) => void) | undefined
}

export interface QueryResult {
  columns: string[]
  rows: SqliteValue[][]
  /** There are more rows than `maxRows`. */
  wasTruncated: boolean
}

export interface TransactionResult {
  /** The agent's site id, 32 hex digits. */
  actorId: string
  /** The agent's `db_version` after it; null when nothing that is replicated was changed. */
  version: number | bigint | null
  results: { rowsAffected: number; timeSeconds: number }[]
}

export interface TableStats {
  /** Sum over the tables that exist. */
  totalRowCount: number
  invalidTables: string[]
}

/**
 * The HTTP API of one agent. Errors: `CorrosionResponseError` when the agent refuses,
 * `CorrosionBusyError` when it sheds load, `CorrosionConnectionError` when no whole answer came,
 * `CorrosionProtocolError` when the answer is not Corrosion's. Failures are the caller's to repeat. An
 * aborted `signal` rejects with its own reason. Disposing ends what is open.
 */
export interface CorrosionClient extends AsyncDisposable {
  /** One read; `StatementRefusedError`, before anything is sent, when it is anything else. */
  query(statement: Statement, options?: QueryOptions): Promise<QueryResult>
  /** The rows of a read as they arrive. Leaving the loop closes the connection. */
  queryRows(
    statement: Statement,
    options?: RowsOptions,
  ): AsyncGenerator<SqliteValue[], void, undefined>
  /** All statements in one transaction, or none. Visible to local reads when it returns. */
  transact(statements: readonly Statement[], options?: RequestOptions): Promise<TransactionResult>
  /** Follows `SELECT columns FROM one_table WHERE …`; on a connection of its own. */
  subscribe(sql: Statement, options?: SubscribeOptions): Promise<Subscription>
  /** Keys of a table's changed rows, within milliseconds; on a connection of its own. */
  updates(table: string, options?: { signal?: AbortSignal | undefined }): Promise<Updates>
  tableStats(tables: readonly string[], options?: RequestOptions): Promise<TableStats>
  health(thresholds?: HealthThresholds, options?: RequestOptions): Promise<Health>
  /** The agent's site id, 32 hex digits; another one after its database was wiped. */
  actorId(options?: RequestOptions): Promise<string>
  /**
   * How many versions of others the agent knows of and does not hold. From its own table, which every
   * agent has and keeps on a quiet cluster too, where `health` has no figures.
   */
  missingVersions(options?: RequestOptions): Promise<number>
  /** Whether the agent is Corrosion, or CorroPort's stand-in for it, which says so in every answer. */
  kind(options?: RequestOptions): Promise<'real' | 'development'>
}

const developmentServer = 'corroport-development-agent'
const maxAllowed = 64
const maxAllowedLength = 4096

export function createCorrosionClient(options: CorrosionClientOptions): CorrosionClient {
  const {
    queryTimeoutMs = 10_000,
    transactTimeoutMs = 30_000,
    maxLineBytes = 64 * 1024 * 1024,
  } = options
  const transport = createTransport(options)
  // Programs repeat themselves, and to look through a statement costs as much as to send it.
  const allowed = new Set<string>()

  const requireRead = (sql: string) => {
    if (allowed.has(sql)) return
    requireOneRead(sql)
    if (allowed.size >= maxAllowed) allowed.clear()
    if (sql.length <= maxAllowedLength) allowed.add(sql)
  }

  const queryRequest = (
    statement: Statement,
    { signal, timeoutMs = queryTimeoutMs, interruptMs = timeoutMs }: RequestOptions,
  ): [request: AgentRequest, timeoutMs: number] => {
    requireRead(sqlOf(statement))
    const path = `/v1/queries?timeout=${wholeSeconds(interruptMs)}`
    const body = stringifyJson(encodeStatement(statement))
    return [{ method: 'POST', path, name: 'a query', body, isRead: true, signal }, timeoutMs]
  }

  const query = async (statement: Statement, queryOptions: QueryOptions = {}) => {
    const { maxRows = Infinity } = queryOptions
    const [request, timeoutMs] = queryRequest(statement, queryOptions)
    return await transport.send(request, timeoutMs, () => createRowsReader(maxLineBytes, maxRows))
  }

  const postJson = async (path: string, content: unknown, request: RequestOptions) => {
    const { signal, timeoutMs = queryTimeoutMs } = request
    const name = `POST ${path}`
    const body = stringifyJson(content)
    const text = await transport.send({ method: 'POST', path, name, body, signal }, timeoutMs, () =>
      createTextReader(maxLineBytes),
    )
    return parseObject(text, `the answer to ${name}`)
  }

  return {
    query,

    async *queryRows(statement, request = {}) {
      const response = await transport.open(...queryRequest(statement, request))
      for await (const line of linesOf(response, maxLineBytes)) {
        const event = decodeQueryLine(line)
        if (event === 'end') return
        if ('cells' in event) yield event.cells
        else request.onColumns?.(event.columns)
      }
      throw new CorrosionConnectionError('the answer to a query ended early', 'unknown')
    },

    async transact(statements, request = {}) {
      const { timeoutMs = transactTimeoutMs } = request
      // The agent takes timeout=0 for "at once", so it is never sent.
      const path = `/v1/transactions?timeout=${wholeSeconds(timeoutMs)}`
      const body = statements.map(encodeStatement)
      const answer = await postJson(path, body, { ...request, timeoutMs })
      return {
        actorId: asText(answer.actor_id, 'actor_id'),
        version: answer.version === null ? null : asInteger(answer.version, 'version'),
        results: asList(answer.results, 'results').map(decodeExecution),
      }
    },

    async subscribe(sql, { from, skipRows, id, signal } = {}) {
      const parameters = new URLSearchParams()
      if (from !== undefined) parameters.set('from', String(from))
      if (skipRows) parameters.set('skip_rows', 'true')
      const search = parameters.size === 0 ? '' : `?${parameters.toString()}`
      const name = 'a subscription'
      const response = await transport.open(
        id === undefined
          ? {
              method: 'POST',
              path: `/v1/subscriptions${search}`,
              name,
              body: stringifyJson(encodeStatement(sql)),
              signal,
            }
          : {
              method: 'GET',
              path: `/v1/subscriptions/${encodeURIComponent(id)}${search}`,
              name,
              signal,
            },
      )
      return {
        id: header(response, 'corro-query-id'),
        hash: header(response, 'corro-query-hash'),
        events: streamOf(response, 'the subscription', decodeSubscriptionLine, maxLineBytes),
      }
    },

    async updates(table, { signal } = {}) {
      const path = `/v1/updates/${encodeURIComponent(table)}`
      const name = `updates of ${table}`
      const response = await transport.open({ method: 'POST', path, name, signal })
      return {
        id: header(response, 'corro-query-id'),
        events: streamOf(response, `the updates feed of ${table}`, decodeUpdateLine, maxLineBytes),
      }
    },

    async tableStats(tables, request = {}) {
      const answer = await postJson('/v1/table_stats', { tables }, request)
      return {
        totalRowCount: Number(asInteger(answer.total_row_count, 'total_row_count')),
        invalidTables: asList(answer.invalid_tables, 'invalid_tables').map((table) =>
          asText(table, 'table'),
        ),
      }
    },

    async health(thresholds = {}, { signal, timeoutMs = queryTimeoutMs } = {}) {
      const path = healthPath(thresholds)
      let status = 0
      const text = await transport.send(
        { method: 'GET', path, name: 'GET /v1/health', takesAnyStatus: true, signal },
        timeoutMs,
        (answered) => {
          status = answered
          return createTextReader(maxLineBytes)
        },
      )
      return decodeHealth(status, text)
    },

    async actorId(request) {
      const { rows } = await query('SELECT lower(hex(crsql_site_id()))', request)
      return asText(rows[0]?.[0], 'crsql_site_id()')
    },

    async missingVersions(request) {
      const { rows } = await query(
        'SELECT ifnull(sum("end" - start + 1), 0) FROM __corro_bookkeeping_gaps',
        request,
      )
      return Number(asInteger(rows[0]?.[0], 'the sum of gaps'))
    },

    async kind({ signal, timeoutMs = queryTimeoutMs } = {}) {
      const { headers, body } = await transport.open(
        { method: 'GET', path: '/', name: 'GET /', takesAnyStatus: true, signal },
        timeoutMs,
      )
      body.destroy()
      return headers.get('server') === developmentServer ? 'development' : 'real'
    },

    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

function decodeQueryLine(line: string): { columns: string[] } | { cells: SqliteValue[] } | 'end' {
  const event = parseObject(line, 'a query event')
  if (event.row !== undefined) return { cells: decodeCells(asList(event.row, 'row')[1]) }
  if (event.columns !== undefined) return { columns: decodeColumns(event.columns) }
  if (event.eoq !== undefined) return 'end'
  if (event.error === undefined) {
    throw new CorrosionProtocolError(`unknown query event: ${line.slice(0, 80)}`)
  }
  throw new CorrosionResponseError(200, asText(event.error, 'error'), 'a query')
}

/** A result that is over with its last line, whenever the connection ends. */
function createRowsReader(maxLineBytes: number, maxRows: number): AnswerReader<QueryResult> {
  const splitter = createLineSplitter(maxLineBytes)
  const result: QueryResult = { columns: [], rows: [], wasTruncated: false }

  const take = (lines: readonly string[]): QueryResult | undefined => {
    for (const line of lines) {
      const event = decodeQueryLine(line)
      if (event === 'end') return result
      if ('columns' in event) result.columns = event.columns
      else if (result.rows.length < maxRows) result.rows.push(event.cells)
      else {
        result.wasTruncated = true
        return result
      }
    }
    return undefined
  }
  return {
    push: (bytes) => take(splitter.push(bytes)),
    end() {
      const whole = take(splitter.end())
      if (whole === undefined) throw new Error('it ended early')
      return whole
    },
  }
}

function createTextReader(maxBytes: number): AnswerReader<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  return {
    push(bytes) {
      size += bytes.length
      if (size > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`)
      chunks.push(bytes)
      return undefined
    },
    end: () => Buffer.concat(chunks).toString(),
  }
}

function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}

function decodeExecution(value: unknown): { rowsAffected: number; timeSeconds: number } {
  if (!isObject(value)) throw new CorrosionProtocolError('a result of a transaction is no object')
  return {
    rowsAffected: asNumber(value.rows_affected, 'rows_affected'),
    timeSeconds: asNumber(value.time, 'time'),
  }
}

function header({ headers }: AgentStream, name: string): string {
  return headers.get(name) ?? ''
}

async function* linesOf(
  response: AgentStream,
  maxLineBytes: number,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* readLines(response.body, maxLineBytes)
  } catch (error) {
    throw response.explain(error)
  }
}

/** A stream that ends only by throwing; leaving the loop closes its connection. */
async function* streamOf<Event extends object>(
  response: AgentStream,
  name: string,
  decode: (line: string) => Event | { error: string },
  maxLineBytes: number,
): AsyncGenerator<Event, never, undefined> {
  try {
    for await (const line of linesOf(response, maxLineBytes)) {
      const event = decode(line)
      // One of the agents leaves the connection open after an error, so the error is the end.
      if ('error' in event) throw new StreamLostError(name, event.error)
      yield event
    }
  } catch (error) {
    throw error instanceof CorrosionConnectionError
      ? new StreamLostError(name, undefined, error)
      : error
  } finally {
    response.body.destroy()
  }
  throw new StreamLostError(name, undefined)
}
