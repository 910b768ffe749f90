import { createConnection } from 'node:net'
import { parseKeepingNumbers, toJsonText } from '../admin/json-text.ts'
import { isTable } from '../config/kind.ts'
import { encodeFrame, FrameError, readFrames } from '../frames.ts'
import { Failure } from './failure.ts'

/** The agent's own limit. */
const maxAnswerBytes = 100 * 1024 * 1024

export type AdminAnswer = { json: unknown } | { level: string; message: string }

/** What an agent answers to one request, up to its end. Throws `Failure` for an error. */
export async function* askAdmin(path: string, request: unknown): AsyncGenerator<AdminAnswer> {
  const socket = createConnection(path)
  try {
    socket.write(encodeFrame(Buffer.from(toJsonText(request))))
    for await (const body of readFrames(socket.iterator(), maxAnswerBytes)) {
      const answer = parseKeepingNumbers(body.toString())
      if (answer === 'Success') return
      const { Json: json, Log: log, Error: error } = isTable(answer) ? answer : {}
      if (isTable(error)) throw new Failure(String(error.msg))
      if (isTable(log)) yield { level: String(log.level), message: String(log.msg) }
      else yield { json }
    }
    throw new Failure(`the agent at ${path} closed the connection without an answer`)
  } catch (error) {
    throw explain(path, error)
  } finally {
    socket.destroy()
  }
}

function explain(path: string, error: unknown): unknown {
  if (error instanceof FrameError || error instanceof SyntaxError) {
    return new Failure(`what answers at ${path} is no Corrosion agent`, { cause: error })
  }
  const code = isTable(error) ? error.code : undefined
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Failure(
      `no agent listens at ${path}: start one with corrosion agent, or name another with --admin-path or --config`,
      { cause: error },
    )
  }
  if (code === 'EACCES') {
    return new Failure(`no permission for ${path}: only the agent's own user may use it`, {
      cause: error,
    })
  }
  return error
}
