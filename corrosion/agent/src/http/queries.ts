import { type Answer, errorBody } from './answer.ts'
import { type Call, readJson } from './call.ts'
import { readQuery, unsigned64 } from './query-string.ts'
import type { ReaderPool } from './reader-pool.ts'
import { readStatement } from './statement.ts'

const defaultTimeoutSeconds = 60

/** `POST /v1/queries`; `timeout` in seconds, 0 for none. */
export async function answerQuery(call: Call, readers: ReaderPool): Promise<Answer> {
  let timeout = defaultTimeoutSeconds
  readQuery(call, {
    timeout(text) {
      timeout = unsigned64(text)
    },
  })
  const statement = await readJson(call, readStatement)
  const answer = await readers.query(statement, {
    signal: call.gone,
    ...(timeout > 0 && { timeoutMs: timeout * 1000 }),
  })
  if (answer.kind === 'lines') return { status: 200, body: answer.lines }
  return { status: answer.kind === 'refused' ? 400 : 500, body: errorBody(answer.message) }
}
