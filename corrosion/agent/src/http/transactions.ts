import { messageOf } from '../error-message.ts'
import type { Log } from '../log.ts'
import { StatementError, type Store } from '../store/store.ts'
import { realText } from '../value-text.ts'
import { type Answer, json } from './answer.ts'
import { type Call, readJson } from './call.ts'
import { readQuery, unsigned64 } from './query-string.ts'
import { readStatements } from './statement.ts'

/** `POST /v1/transactions`; `timeout` in seconds, for each statement. */
export async function answerTransaction(
  call: Call,
  { store, log }: { store: Store; log: Log },
): Promise<Answer> {
  let timeout: number | undefined
  readQuery(call, {
    timeout(text) {
      timeout = unsigned64(text)
    },
  })
  const statements = await readJson(call, readStatements)
  const { actorId } = store
  if (statements.length === 0) {
    return json(400, errorText('at least 1 statement is required', actorId))
  }
  try {
    // Not "no timeout": it has passed before the first statement begins.
    if (timeout === 0) throw new StatementError('interrupted')
    const timeoutMs = timeout === undefined ? undefined : timeout * 1000
    const { results, version, timeSeconds } = store.transact(statements, timeoutMs)
    const texts = results.map(
      (result) =>
        `{"rows_affected":${result.rowsAffected},"time":${secondsText(result.timeSeconds)}}`,
    )
    return json(
      200,
      `{"results":[${texts.join(',')}],"time":${secondsText(timeSeconds)},"version":${version},"actor_id":"${actorId}"}`,
    )
  } catch (error) {
    if (!(error instanceof StatementError)) log.error('transaction failed', { error })
    const message = messageOf(error)
    return json(500, errorText(`rusqlite: ${message} (actor_id: None, version: None)`, actorId))
  }
}

/** To the nanosecond. */
function secondsText(seconds: number): string {
  return realText(Number(seconds.toFixed(9)))
}

function errorText(message: string, actorId: string): string {
  return `{"results":[{"error":${JSON.stringify(message)}}],"time":0.0,"version":null,"actor_id":"${actorId}"}`
}
