import type { IncomingMessage } from 'node:http'
import { JsonReader } from './json.ts'
import { JsonError } from './json-scanner.ts'

/** One request, at its route. */
export interface Call {
  request: IncomingMessage
  /** What the path has where the route has a name; not decoded. */
  tail: string
  /** Behind the question mark. */
  search: string
  /** The client has gone, or has its answer. */
  gone: AbortSignal
}

/** A request that does not fit its route; answered as plain text. */
export class RefusedCallError extends Error {
  override name = 'RefusedCallError'
  readonly status: 400 | 415 | 422

  constructor(status: 400 | 415 | 422, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

const jsonType =
  /^application\/(?:[\w!#$%&'*+.^`|~-]*\+)?json(?:\s*;\s*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"]*"))?)*\s*$/i

/** Throws `RefusedCallError`. */
export async function readJson<T>({ request }: Call, read: (reader: JsonReader) => T): Promise<T> {
  if (!jsonType.test(request.headers['content-type'] ?? '')) {
    throw new RefusedCallError(415, 'Expected request with `Content-Type: application/json`')
  }
  const reader = new JsonReader(await readBody(request))
  try {
    const value = read(reader)
    reader.end()
    return value
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw error.kind === 'syntax'
      ? new RefusedCallError(400, `Failed to parse the request body as JSON: ${error.message}`)
      : new RefusedCallError(
          422,
          `Failed to deserialize the JSON body into the target type: ${error.message}`,
        )
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
}

/** The name in the path. Throws `RefusedCallError`. */
export function readTail({ tail }: Call, name: string): string {
  const bytes = Buffer.from(
    tail.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  )
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new RefusedCallError(400, `Invalid URL: Invalid UTF-8 in \`${name}\``, { cause: error })
  }
}
