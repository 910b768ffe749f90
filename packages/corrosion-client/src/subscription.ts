import { asInteger, asList, asText, isObject, parseObject } from './decode.ts'
import { CorrosionProtocolError } from './errors.ts'
import { decodeValue, type SqliteValue } from './values.ts'

export interface SubscribeOptions {
  /**
   * Only changes above this change id; without it a snapshot comes first. Give `id` with it: without
   * one, klukai 0.1.4 refuses an unknown statement and then answers 500 to it for ten minutes.
   */
  from?: number | undefined
  /** No snapshot, only changes from now on. */
  skipRows?: boolean | undefined
  /** Joins an existing subscription (GET); `sql` is not sent then. */
  id?: string | undefined
  signal?: AbortSignal | undefined
}

/**
 * What a subscription tells: `columns`, `row`s and `end-of-query` when a snapshot is taken, then
 * `change`s, whose ids go up by one. `rowId` names a key within one subscription only. A deleted row
 * comes with the cells it had.
 */
export type SubscriptionEvent =
  | { kind: 'columns'; columns: string[] }
  | { kind: 'row'; rowId: number; cells: SqliteValue[] }
  | { kind: 'end-of-query'; changeId: number }
  | {
      kind: 'change'
      change: 'insert' | 'update' | 'delete'
      rowId: number
      cells: SqliteValue[]
      changeId: number
    }

export interface Subscription {
  /** Node-local; survives a graceful restart of the agent, not a kill. */
  id: string
  /** SeaHash of the SQL with its parameters put in, 16 hex digits. */
  hash: string
  /** Throws `StreamLostError` at the end: a subscription never completes. */
  events: AsyncIterable<SubscriptionEvent>
}

/** One line of a subscription; `{ error }` is what the agent says before it gives up. */
export function decodeSubscriptionLine(line: string): SubscriptionEvent | { error: string } {
  const event = parseObject(line, 'a subscription event')
  if (event.row !== undefined) {
    const [rowId, cells] = asList(event.row, 'row')
    return { kind: 'row', rowId: count(rowId, 'row id'), cells: decodeCells(cells) }
  }
  if (event.change !== undefined) {
    const [change, rowId, cells, changeId] = asList(event.change, 'change')
    if (change !== 'insert' && change !== 'update' && change !== 'delete') {
      throw new CorrosionProtocolError(`a change of unknown kind: ${line.slice(0, 80)}`)
    }
    return {
      kind: 'change',
      change,
      rowId: count(rowId, 'row id'),
      cells: decodeCells(cells),
      changeId: count(changeId, 'change id'),
    }
  }
  if (event.columns !== undefined) return { kind: 'columns', columns: decodeColumns(event.columns) }
  if (isObject(event.eoq)) {
    return { kind: 'end-of-query', changeId: count(event.eoq.change_id, 'change id') }
  }
  if (event.error !== undefined) return { error: asText(event.error, 'error') }
  throw new CorrosionProtocolError(`unknown subscription event: ${line.slice(0, 80)}`)
}

export function decodeColumns(value: unknown): string[] {
  return asList(value, 'columns').map((column) => asText(column, 'column'))
}

export function decodeCells(value: unknown): SqliteValue[] {
  try {
    return asList(value, 'cells').map(decodeValue)
  } catch (error) {
    throw new CorrosionProtocolError('a row with a cell that is none', { cause: error })
  }
}

// Row and change ids count up from 1, so they stay within a number.
function count(value: unknown, what: string): number {
  return Number(asInteger(value, what))
}
