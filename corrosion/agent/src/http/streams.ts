import {
  type LineStream,
  StreamRefusedError,
  type SubscribeOptions,
} from '../streams/line-stream.ts'
import type { Streams } from '../streams/streams.ts'
import { parseUuid } from '../uuid.ts'
import { type Answer, errorBody, json } from './answer.ts'
import { type Call, RefusedCallError, readJson, readTail } from './call.ts'
import { flag, readQuery, unsigned64 } from './query-string.ts'
import { readStatement } from './statement.ts'

/** `POST /v1/subscriptions` */
export async function answerSubscription(call: Call, streams: Streams): Promise<Answer> {
  const options = readOptions(call)
  const statement = await readJson(call, readStatement)
  return answerWith(() => streams.subscribe(statement, options))
}

/** `GET /v1/subscriptions/{id}` */
export async function answerResumption(call: Call, streams: Streams): Promise<Answer> {
  const text = readTail(call, 'id')
  const id = parseUuid(text)
  if ('problem' in id) {
    throw new RefusedCallError(
      400,
      `Invalid URL: Cannot parse \`id\` with value \`${text}\`: ${id.problem}`,
    )
  }
  const options = readOptions(call)
  return answerWith(() => streams.resume(id.uuid, options))
}

/** `POST /v1/updates/{table}` */
export async function answerUpdates(call: Call, streams: Streams): Promise<Answer> {
  const table = readTail(call, 'table')
  // Whatever is in the body; the answer does not wait for it.
  call.request.resume()
  return answerWith(() => streams.updates(table, { signal: call.gone }))
}

function readOptions(call: Call): SubscribeOptions {
  const options: SubscribeOptions = { signal: call.gone }
  readQuery(call, {
    from(text) {
      options.from = unsigned64(text)
    },
    skip_rows(text) {
      options.skipRows = flag(text)
    },
  })
  return options
}

function answerWith(open: () => LineStream): Answer {
  try {
    const { id, hash, lines } = open()
    return {
      status: 200,
      headers: { 'corro-query-id': id, ...(hash !== undefined && { 'corro-query-hash': hash }) },
      body: lines,
    }
  } catch (error) {
    if (!(error instanceof StreamRefusedError)) throw error
    const body = errorBody(error.message)
    // Only an unknown subscription is answered with a content type.
    return error.status === 404 ? json(404, body) : { status: error.status, body }
  }
}
