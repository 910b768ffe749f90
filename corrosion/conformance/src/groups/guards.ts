import { once } from 'node:events'
import { connect } from 'node:net'
import type { Case, Group, World } from '../conformance-case.ts'
import { encode, type Request } from '../raw-http.ts'
import { linesOf } from '../transcript.ts'

const bearerToken = 'right'
const endpointName = 'here'
const authorized = `authorization: Bearer ${bearerToken}`

/** Token, endpoint name and load shedding. */
export function guardsGroup(): Group {
  return {
    name: 'guards',
    nodeCount: 1,
    settings: { bearerToken, endpointName },
    cases: [
      guarded('no token', [], refused(401)),
      guarded('wrong token', ['authorization: Bearer wrong'], refused(401)),
      guarded('token with a longer end', ['authorization: Bearer right1'], refused(401)),
      guarded(
        'basic authentication',
        ['authorization: Basic right'],
        [
          '400',
          'content-length: right',
          'content-type: text/plain; charset=utf-8',
          'invalid HTTP header (authorization)',
        ],
      ),
      guarded('right token', [authorized], answered),
      guarded('scheme in small letters', ['authorization: bearer right'], answered),
      guarded('own endpoint name', [authorized, named('here')], answered),
      guarded('other endpoint name', [authorized, named('there')], refused(421)),
      guarded('other endpoint name without a token', [named('there')], refused(421)),
      guarded('endpoint name in capitals', [authorized, named('HERE')], refused(421)),
      guarded('endpoint name that is not ASCII', [authorized, named('h\u00e9re')], refused(400)),
      unknownPath,
      ...['/v1/queries', '/v1/transactions', '/v1/subscriptions'].map((path) => shed(path, 128)),
      shed('/v1/table_stats', 4),
    ],
  }
}

const answered = [
  '200',
  'transfer-encoding: chunked',
  '{"columns":["1"]}\\n',
  '{"row":[1,[1]]}\\n',
  '{"eoq":{"time":<time>}}\\n',
]

const refused = (status: number) => [String(status), 'content-length: right']
const named = (name: string) => `x-corrosion-requested-endpoint-name: ${name}`

function query(headers: readonly string[]): Request {
  const contentType = 'content-type: application/json'
  return {
    method: 'POST',
    path: '/v1/queries',
    headers: [contentType, ...headers],
    body: '"SELECT 1"',
  }
}

function guarded(name: string, headers: readonly string[], expected: string[]): Case {
  return {
    name: `guard: ${name}`,
    expected,
    run: async ({ node }) => linesOf(await node.ask(query(headers))),
  }
}

const unknownPath: Case = {
  name: 'guard: unknown path without a token',
  expected: refused(401),
  run: async ({ node }) => linesOf(await node.ask({ method: 'GET', path: '/nope' })),
}

/** A request whose body has not come holds its place, so no load is needed to fill them all. */
function shed(path: string, limit: number): Case {
  return {
    name: `guard: ${path} sheds beyond ${limit}`,
    expected: [
      `${limit} wait, then 503 with content-type: text/plain; charset=utf-8`,
      'max concurrency limit reached',
      'once they are gone: 422',
    ],
    async run({ node }) {
      const request: Request = {
        method: 'POST',
        path,
        headers: ['content-type: application/json', authorized],
        body: '5',
      }
      const held = await Promise.all(
        Array.from({ length: limit }, () => holdBack(node, encode(node.api, request))),
      )
      // An agent reads its connections in no order that could be known: the last of the waiting
      // ones may be behind this one.
      let full = await node.ask(request)
      for (let tries = 0; full.status !== 503 && tries < 50; tries += 1)
        full = await node.ask(request)
      const isWaiting = held.every((socket) => socket.bytesRead === 0)
      for (const socket of held) socket.destroy()
      let free = await node.ask(request)
      for (let tries = 0; free.status === 503 && tries < 50; tries += 1)
        free = await node.ask(request)
      const type = full.headers.find(([name]) => name === 'content-type')?.join(': ')
      return [
        `${isWaiting ? limit : 'not all'} wait, then ${full.status} with ${type}`,
        full.body,
        `once they are gone: ${free.status}`,
      ]
    },
  }
}

/** Sends all but the last byte. */
async function holdBack({ api }: World['node'], bytes: Buffer) {
  const socket = connect(api)
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes.subarray(0, -1))
  return socket.resume()
}
