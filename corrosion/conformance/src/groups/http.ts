import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { post } from '../agent-process.ts'
import type { Case, Group } from '../conformance-case.ts'
import type { Request } from '../raw-http.ts'
import { type RecordedExchange, readRecording } from '../recordings.ts'
import { headLinesOf, linesOf } from '../transcript.ts'

/** A stream that stays open after an error line is told from one that ends with it. */
const endWaitMs = 1_500

/** All recorded exchanges, in their order because later ones depend on earlier writes. */
export function recordedGroup(): Group {
  const cases = readRecording('v1.0.0', 'http').map(recordedCase)
  // An agent that does not interrupt it computes until it is killed, at the end of the group.
  const isEndless = ({ name }: Case) => name === 'query: timeout'
  return {
    name: 'http',
    nodeCount: 1,
    cases: [...cases.filter((each) => !isEndless(each)), ...cases.filter(isEndless)],
  }
}

function recordedCase(exchange: RecordedExchange): Case {
  const request = requestOf(exchange.request)
  const lines = linesToAwait(exchange)
  return {
    name: exchange.name,
    expected: recordedLines(exchange),
    async run({ node }) {
      if (lines === undefined) return linesOf(await node.ask(request))
      using feed = await node.open(request)
      const taken = await feed.take(lines.length)
      return [...headLinesOf(feed), ...taken, (await feed.ends(endWaitMs)) ? 'ended' : 'open']
    },
  }
}

/** What `run` gives of a live agent, of a recorded one. */
export function recordedLines(exchange: RecordedExchange): string[] {
  const { status, headers, body = '', ended = true } = exchange.response
  const head = { status, headers: Object.entries(headers) }
  const lines = linesToAwait(exchange)
  if (lines === undefined) return linesOf({ ...head, body })
  return [...headLinesOf(head), ...lines, ended ? 'ended' : 'open']
}

/** Read line by line are streams, and what might never end. */
function linesToAwait({ name, response }: RecordedExchange): string[] | undefined {
  if (name !== 'query: timeout') return response.lines
  return response.body?.trimEnd().split('\n')
}

function requestOf({ method, path, ...rest }: RecordedExchange['request']): Request {
  const { body, rawBody, headers = {} } = rest
  if (rawBody === undefined && body === undefined) return { method, path }
  const contentType = 'content-type' in headers ? headers['content-type'] : 'application/json'
  return {
    method,
    path,
    headers: contentType === null ? [] : [`content-type: ${contentType}`],
    body: rawBody ?? JSON.stringify(body),
  }
}

interface Exchange {
  name: string
  request: Request | { bytes: string }
  expected: string[]
}

/** What the reference says and the recordings lack. */
export function furtherGroup(): Group {
  const path = join(import.meta.dirname, '../../expectations/http.json')
  const exchanges: Exchange[] = JSON.parse(readFileSync(path, 'utf8'))
  const cases = exchanges.map(
    ({ name, request, expected }): Case => ({
      name,
      expected,
      run: async ({ node }) =>
        linesOf(await node.ask('bytes' in request ? Buffer.from(request.bytes) : request)),
    }),
  )
  return { name: 'http-more', nodeCount: 1, cases: [...cases, largeBody, http2] }
}

const largeBody: Case = {
  name: 'request: three megabytes',
  expected: [
    '200',
    'transfer-encoding: chunked',
    '{"columns":["length(?)"]}\\n',
    '{"row":[1,[3000000]]}\\n',
    '{"eoq":{"time":<time>}}\\n',
  ],
  run: async ({ node }) =>
    linesOf(await node.ask(post('/v1/queries', ['SELECT length(?)', ['x'.repeat(3_000_000)]]))),
}

/** What the agent's own command and its Rust client speak. */
const http2: Case = {
  name: 'request: HTTP/2 with prior knowledge',
  expected: ['200', '{"columns":["1"]}', '{"row":[1,[1]]}', '{"eoq":{"time":<time>}}'],
  async run({ node }) {
    const session = connect(`http://${node.api.host}:${node.api.port}`)
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/v1/queries',
        'content-type': 'application/json',
      })
      stream.end('"SELECT 1"')
      let status = ''
      stream.once('response', (headers) => {
        status = String(headers[':status'])
      })
      const parts: Buffer[] = []
      session.once('error', (error) => stream.destroy(error))
      for await (const part of stream) parts.push(part)
      return [status, ...Buffer.concat(parts).toString().trimEnd().split('\n')]
    } finally {
      session.destroy()
    }
  },
}
