import { CorrosionProtocolError } from './errors.ts'

export interface ResponseHead {
  status: number
  /** Names in lower case; values of a name that repeats are joined by `, `. */
  headers: ReadonlyMap<string, string>
}

/** What a response consists of, in this order. */
export interface ResponseParts {
  head(head: ResponseHead): void
  body(bytes: Uint8Array): void
  end(): void
}

/** Reads one HTTP/1.1 response, wherever its bytes are cut. What follows it is ignored. */
export interface ResponseParser {
  /** Throws `CorrosionProtocolError` for what is no HTTP/1.1; it cannot be used after that. */
  push(chunk: Buffer): void
  /** The connection has ended. Throws when the response is not whole. */
  close(): void
}

const lineFeed = 0x0a
// Of the head, of the trailers, and of the line before each chunk.
const maxLinesBytes = 64 * 1024
const statusLine = /^HTTP\/1\.1 ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const headerName = /^[\w!#$%&'*+\-.^`|~]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/
const chunkSize = /^([\da-f]{1,8})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i

export function createResponseParser(parts: ResponseParts): ResponseParser {
  let state: 'status' | 'headers' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'body' | 'end' =
    'status'
  let line = ''
  let linesBytes = 0
  let status = 0
  let headers = new Map<string, string>()
  // Of a body without a length: Infinity.
  let remaining = 0

  const end = () => {
    state = 'end'
    parts.end()
  }
  const startBody = () => {
    const coding = headers.get('transfer-encoding')
    const length = headers.get('content-length')
    // Two lengths, or a coding that is not chunked, leave it open where the body ends.
    if (coding !== undefined && (length !== undefined || coding.toLowerCase() !== 'chunked')) {
      throw malformed('body length', `${coding} ${length}`)
    }
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed('length', length)
    parts.head({ status, headers })
    if (coding !== undefined) state = 'size'
    else {
      state = 'body'
      remaining = status === 204 || status === 304 ? 0 : Number(length ?? Infinity)
      if (remaining === 0) end()
    }
  }
  const takeHeader = (text: string) => {
    const colon = text.indexOf(':')
    const name = text.slice(0, Math.max(colon, 0)).toLowerCase()
    const value = text.slice(colon + 1).trim()
    if (!headerName.test(name) || !headerValue.test(value)) throw malformed('header', text)
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const takeLine = (text: string) => {
    if (state === 'status') {
      const [, digits] = statusLine.exec(text) ?? []
      // Nobody asked for another protocol.
      if (digits === undefined || digits === '101') throw malformed('status line', text)
      status = Number(digits)
      headers = new Map()
      state = 'headers'
    } else if (state === 'headers') {
      if (text !== '') takeHeader(text)
      else if (status < 200) state = 'status'
      else {
        linesBytes = 0
        startBody()
      }
    } else if (state === 'size') {
      const [, digits] = chunkSize.exec(text) ?? []
      if (digits === undefined) throw malformed('chunk size', text)
      linesBytes = 0
      remaining = Number.parseInt(digits, 16)
      state = remaining === 0 ? 'trailers' : 'chunk'
    } else if (state === 'chunk-end') {
      if (text !== '') throw malformed('end of a chunk', text)
      state = 'size'
    } else if (text === '') end()
    else if (!text.includes(':')) throw malformed('trailer', text)
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length && state !== 'end'; ) {
        if (state === 'chunk' || state === 'body') {
          const bytes = chunk.subarray(at, Math.min(at + remaining, chunk.length))
          at += bytes.length
          remaining -= bytes.length
          parts.body(bytes)
          if (remaining > 0) continue
          if (state === 'chunk') state = 'chunk-end'
          else end()
        } else {
          const feed = chunk.indexOf(lineFeed, at)
          const stop = feed === -1 ? chunk.length : feed + 1
          linesBytes += stop - at
          if (linesBytes > maxLinesBytes) throw malformed('head above 64 KiB', line)
          line += chunk.toString('latin1', at, stop)
          at = stop
          if (feed === -1) return
          if (!line.endsWith('\r\n')) throw malformed('line end', line)
          const text = line.slice(0, -2)
          line = ''
          takeLine(text)
        }
      }
    },
    close() {
      if (state === 'body' && remaining === Infinity) end()
      else if (state !== 'end') throw new Error('the connection ended within the answer')
    },
  }
}

function malformed(what: string, text: string): CorrosionProtocolError {
  return new CorrosionProtocolError(`no HTTP/1.1, ${what}: ${JSON.stringify(text.slice(0, 80))}`)
}
