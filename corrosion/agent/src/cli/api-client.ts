import { type IncomingMessage, request } from 'node:http'
import { parseKeepingNumbers } from '../admin/json-text.ts'
import { isTable } from '../config/kind.ts'
import { type Address, formatAddress } from '../gossip/address.ts'
import { Failure } from './failure.ts'

export interface TextStatement {
  sql: string
  /** By position; always texts. */
  params: readonly string[]
  /** For each of SQLite's steps. */
  timeoutSeconds?: number | undefined
}

/** Numbers are raw JSON. */
export type QueryEvent = { columns: string[] } | { cells: unknown[] } | { time: string }

export interface ExecResult {
  rowsAffected: string
  time: string
}

export async function* query(api: Address, statement: TextStatement): AsyncGenerator<QueryEvent> {
  const response = await post(api, '/v1/queries', statement, encode(statement))
  for await (const line of readLines(response)) {
    const event = readJson(api, line)
    if (isTable(event.eoq)) {
      yield { time: JSON.stringify(event.eoq.time) }
      return
    }
    if (Array.isArray(event.columns)) yield { columns: event.columns.map(String) }
    else if (Array.isArray(event.row) && Array.isArray(event.row[1])) yield { cells: event.row[1] }
    else throw new Failure(errorIn(event) ?? `the agent answered ${line}`)
  }
  throw new Failure(
    'the answer ended before its last row: the agent has ended or the query was cut',
  )
}

export async function execute(api: Address, statement: TextStatement): Promise<ExecResult[]> {
  const response = await post(api, '/v1/transactions', statement, [encode(statement)])
  const { results } = readJson(api, await readText(response))
  if (!Array.isArray(results)) throw notCorrosion(api)
  return results.map((result: unknown) => {
    const { rows_affected: rows, time } = isTable(result) ? result : {}
    return { rowsAffected: JSON.stringify(rows), time: JSON.stringify(time) }
  })
}

function encode({ sql, params }: TextStatement): unknown {
  return params.length === 0 ? sql : [sql, params]
}

/** Throws `Failure` for any other status than 200. */
async function post(
  api: Address,
  path: string,
  { timeoutSeconds }: TextStatement,
  body: unknown,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request(
    {
      ...api,
      path: timeoutSeconds === undefined ? path : `${path}?timeout=${timeoutSeconds}`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    },
    resolve,
  )
    .once('error', (error) => reject(explain(api, error)))
    .end(JSON.stringify(body))
  const response = await promise
  if (response.statusCode === 200) return response
  const text = await readText(response)
  if (response.statusCode === 401) {
    throw new Failure(
      `the agent at ${formatAddress(api)} wants a bearer token, which this command, as in Corrosion v1.0.0, does not send: use curl with -H "authorization: Bearer …"`,
    )
  }
  const event = parse(text)
  const { results } = isTable(event) ? event : {}
  const [first] = Array.isArray(results) ? results : [event]
  throw new Failure(errorIn(first) ?? `the agent answered ${response.statusCode} ${text}`.trim())
}

function explain(api: Address, error: NodeJS.ErrnoException): Failure {
  const at = formatAddress(api)
  if (error.code === 'ECONNREFUSED') {
    return new Failure(
      `no agent answers at ${at}: start one with corrosion agent, or name another with --api-addr or --config`,
      { cause: error },
    )
  }
  if (error.code?.startsWith('HPE_')) return notCorrosion(api)
  return new Failure(`no answer from ${at}: ${error.message}`, { cause: error })
}

function notCorrosion(api: Address): Failure {
  return new Failure(`what answers at ${formatAddress(api)} is no Corrosion agent`)
}

function errorIn(event: unknown): string | undefined {
  return isTable(event) && typeof event.error === 'string' ? event.error : undefined
}

function readJson(api: Address, text: string): Readonly<Record<string, unknown>> {
  const value = parse(text)
  if (!isTable(value)) throw notCorrosion(api)
  return value
}

function parse(text: string): unknown {
  try {
    return parseKeepingNumbers(text)
  } catch {
    return undefined // some errors are plain text
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return text
}

/** readline would also end a line at U+2028, which JSON leaves inside of its strings. */
async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  let begun: string[] = []
  for await (const chunk of response.setEncoding('utf8')) {
    const [first = '', ...others] = String(chunk).split('\n')
    begun.push(first)
    for (const next of others) {
      yield begun.join('')
      begun = [next]
    }
  }
}
