import { readSync, writeSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { deserialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../error-message.ts'
import { argumentsOf, parametersOf } from '../store/binding.ts'
import { isReadOnly, prepareStatement } from '../store/prepare-statement.ts'
import { defineFunctions, denyForeignFunctions } from '../store/read-functions.ts'
import type { Statement } from '../store/statement.ts'
import { realText, rowText } from '../value-text.ts'
import { encodeFrame, type FrameKind } from './reader-frames.ts'

// Not stdin and stdout: Node makes these non-blocking when it comes to use them.
const talkPipe = 3
const lifePipe = 4
const busyTimeoutMs = 5000

/**
 * A process that answers one query after the other, over a pipe, each call blocking: a
 * statement cannot be interrupted from JavaScript, but its process can be killed. What a statement
 * leaves behind (BEGIN, ATTACH, PRAGMA) stays, as it does on a connection of the real agent.
 */
export function runReader([path = '', actorId = '']: readonly string[]): void {
  // Ctrl-C reaches the whole group; the agent decides when a reader ends.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  const db = openDatabase(path, actorId)
  say('started')
  endWithAgent()
  for (let request = readRequest(); request; request = readRequest()) answer(db, request)
  process.kill(process.pid, 'SIGKILL')
}

/** A running statement does not see that the agent has died; this thread does. */
function endWithAgent(): void {
  const watch = `require('node:fs').readSync(${lifePipe}, Buffer.alloc(1))
    process.kill(process.pid, 'SIGKILL')`
  const thread = new Worker(watch, { eval: true })
  thread.unref()
}

function openDatabase(path: string, actorId: string): DatabaseSync {
  const db = new DatabaseSync(path, {
    readOnly: true,
    timeout: busyTimeoutMs,
    enableDoubleQuotedStringLiterals: true,
  })
  const siteId = Buffer.from(actorId, 'hex')
  const dbVersion = db.prepare('SELECT db_version FROM crsql_db_versions WHERE site_id = ?')
  defineFunctions(db, {
    actorId,
    dbVersion: () => BigInt(String(dbVersion.get(siteId)?.db_version ?? 0)),
  })
  denyForeignFunctions(db)
  return db
}

function answer(db: DatabaseSync, { sql, params }: Statement): void {
  let statement: StatementSync | undefined
  try {
    statement = prepareStatement(db, sql)
    if (statement && !isReadOnly(db, statement)) throw new Error('statement is not readonly')
  } catch (error) {
    say('refused', messageOf(error))
    return
  }
  let rows: Iterator<unknown>
  try {
    rows = iterate(statement, params)
  } catch (error) {
    say('failed', messageOf(error))
    return
  }
  const columns = statement?.columns().map(({ name }) => name) ?? []
  say('lines', `{"columns":${JSON.stringify(columns)}}\n`)
  // The real agent, too, stops its clock before the first row.
  const boundAt = process.hrtime.bigint()
  const tookSeconds = Number(process.hrtime.bigint() - boundAt) / 1e9
  try {
    // Each row is sent before the next step, which may be the one that is killed.
    let count = 0
    for (let row = rows.next(); !row.done; row = rows.next()) {
      if (!Array.isArray(row.value)) throw new Error('unreachable: a row is no list')
      say('lines', `{"row":[${++count},${rowText(row.value)}]}\n`)
    }
    say('last', `{"eoq":{"time":${realText(tookSeconds)}}}\n`)
  } catch (error) {
    say('last', `{"error":${JSON.stringify(messageOf(error))}}\n`)
  }
}

function iterate(
  statement: StatementSync | undefined,
  params: Statement['params'],
): Iterator<unknown> {
  const parameters = parametersOf(statement?.sourceSQL ?? '')
  const { named, positional } = argumentsOf(parameters, params)
  if (statement === undefined) return { next: misuse }
  statement.setReturnArrays(true)
  statement.setReadBigInts(true)
  statement.setAllowBareNamedParameters(false)
  return statement.iterate(named, ...positional)
}

/** rusqlite steps the statement that a text without one does not have. */
function misuse(): never {
  throw new Error('bad parameter or other API misuse')
}

function readRequest(): Statement | undefined {
  const head = readExactly(4)
  const body = head && readExactly(head.readUInt32LE())
  return body && deserialize(body)
}

function readExactly(length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const count = readSync(talkPipe, bytes, at, length - at, null)
    if (count === 0) return undefined
    at += count
  }
  return bytes
}

function say(kind: FrameKind, text?: string): void {
  const frame = encodeFrame(kind, text)
  for (let at = 0; at < frame.length; ) at += writeSync(talkPipe, frame, at)
}
