import { seededRandom } from '@corroport/testing'
import { describe, expect, test } from '@jest/globals'
import { cut } from '../test/cut.ts'
import { CorrosionProtocolError } from './errors.ts'
import { createResponseParser } from './http-response.ts'

interface Parsed {
  status: number
  headers: Record<string, string>
  body: string
  ends: number
}

function parse(pieces: Iterable<Uint8Array>, { isClosed = true } = {}): Parsed {
  const parsed: Parsed = { status: 0, headers: {}, body: '', ends: 0 }
  const parser = createResponseParser({
    head({ status, headers }) {
      Object.assign(parsed, { status, headers: Object.fromEntries(headers) })
    },
    body(bytes) {
      parsed.body += Buffer.from(bytes).toString('latin1')
    },
    end() {
      parsed.ends++
    },
  })
  for (const piece of pieces) parser.push(Buffer.from(piece))
  if (isClosed) parser.close()
  return parsed
}

function outcome(pieces: Iterable<Uint8Array>): string {
  try {
    return String(parse(pieces).ends)
  } catch (error) {
    return String(error)
  }
}

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: Chunked\r\n\r\n`

const whole: [name: string, text: string, expected: Partial<Parsed>][] = [
  [
    'chunks with an extension, a line end of their own and trailers',
    `${ok}a: 1\r\nA:  2 \r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\na\r\n\r\n00C\r\n0123456789ab\r\n0\r\nz: 1\r\n\r\n`,
    { headers: { a: '1, 2', 'transfer-encoding': 'chunked' }, body: 'a\r\n0123456789ab' },
  ],
  ['no chunk at all', `${chunked}0\r\n\r\n`, { body: '' }],
  ['a length', `${ok}Content-Length: 5\r\n\r\na\r\nbc`, { body: 'a\r\nbc' }],
  ['a length of nothing', `${ok}content-length: 0\r\n\r\n`, { body: '' }],
  ['a body until the connection ends', `${ok}\r\nabc\r\n\r\n`, { body: 'abc\r\n\r\n' }],
  ['no body in spite of a length', 'HTTP/1.1 204\r\ncontent-length: 5\r\n\r\n', { status: 204 }],
  [
    'interim responses before it',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 500 \r\ncontent-length: 1\r\n\r\nx`,
    { status: 500, headers: { 'content-length': '1' }, body: 'x' },
  ],
]

describe.each(whole)('%s', (_name, text, expected) => {
  const bytes = Buffer.from(text, 'latin1')

  test('is read wherever it is cut in two', () => {
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse([bytes.subarray(0, at), bytes.subarray(at)])).toMatchObject({
        ...expected,
        ends: 1,
      })
    }
  })

  test('is read however it is cut', () => {
    const seed = Date.now()
    console.info(`seed ${seed}`)
    const random = seededRandom(seed)
    for (let round = 0; round < 100; round++) {
      const pieces = cut(bytes, 1 + Math.floor(random() * 9), random)
      expect(parse(pieces)).toMatchObject({ ...expected, ends: 1 })
    }
  })

  test('is whole only with its last byte', () => {
    if (text.startsWith(`${ok}\r\n`)) return
    for (let at = 0; at < bytes.length; at++) {
      expect(parse([bytes.subarray(0, at)], { isClosed: false }).ends).toBe(0)
      expect(() => parse([bytes.subarray(0, at)])).toThrow('ended within the answer')
    }
  })
})

test('what follows a response is no part of it', () => {
  expect(parse([Buffer.from(`${ok}content-length: 1\r\n\r\nabc`)])).toMatchObject({ body: 'a' })
})

test.each([
  'HTTP/2 200 OK\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 2000\r\n',
  'HTTP/1.1 99 \r\n',
  'HTTP/1.1 200 O\x01K\r\n',
  'HTTP/1.1 101 Switching Protocols\r\n',
  'HTTP/1.1 200 OK\n',
  ' HTTP/1.1 200 OK\r\n',
  'SSH-2.0-OpenSSH\r\n',
  '\r\n',
  `${ok}no colon\r\n`,
  `${ok}: no name\r\n`,
  `${ok}space : 1\r\n`,
  `${ok}a: 1\r\n folded\r\n`,
  `${ok}a: b\rc\r\n`,
  `${ok}a: \0\r\n`,
  `${ok}a: 1\n`,
  `${ok}content-length: -1\r\n\r\n`,
  `${ok}content-length: 1e3\r\n\r\n`,
  `${ok}content-length: \r\n\r\n`,
  `${ok}content-length: 5\r\ncontent-length: 5\r\n\r\n`,
  `${ok}content-length: 9999999999999999\r\n\r\n`,
  `${ok}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n`,
  `${ok}transfer-encoding: gzip, chunked\r\n\r\n`,
  `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`,
  `${chunked}\r\n`,
  `${chunked}g\r\n`,
  `${chunked}-1\r\n`,
  `${chunked}0x1\r\n`,
  `${chunked}100000000\r\n`,
  `${chunked}1\n`,
  `${chunked}1\r\nab\r\n`,
  `${chunked}1\r\na\n`,
  `${chunked}0\r\ntrailer\r\n`,
])('%j is refused', (text) => {
  expect(() => parse([Buffer.from(text, 'latin1')])).toThrow(CorrosionProtocolError)
})

test.each([
  ['a line of the head', '', 'a'],
  ['the head', ok, 'a: 1\r\n'],
  ['interim responses', '', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['the line before a chunk', chunked, '0'],
  ['the trailers', `${chunked}0\r\n`, 'a: 1\r\n'],
])('%s may not be endless', (_name, start, again) => {
  const endless = (function* () {
    yield Buffer.from(start)
    for (;;) yield Buffer.from(again.repeat(50))
  })()

  expect(() => parse(endless)).toThrow('64 KiB')
})

test('a response with one wrong byte is read, refused or incomplete, and nothing else', () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  const [, model = ''] = whole[0] ?? []
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(model, 'latin1')
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    expect(outcome(cut(bytes, 30, random))).toMatch(/^1$|no HTTP|ended within the answer/)
  }
})
