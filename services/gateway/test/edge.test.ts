// Points of presence behind the gateway's API; what they answer is what the catalogue shows.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import {
  type CommandDefinition,
  type EdgeAnnounced,
  edgeAnnounced,
  edgeBackendsQueried,
  edgeBackendWritten,
  edgeDecisionsQueried,
  edgeRouteExplained,
} from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Heard, openHeard } from '../src/heard.ts'
import { registerEdge } from '../src/routes/edge.ts'
import { routesOfFile } from './harness.ts'

const fixture = (name: string) => {
  const folder = join(import.meta.dirname, '../../../packages/contracts/fixtures')
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}
const said = edgeAnnounced.parse(fixture('hint-edge'))
const answeredBy = { node_id: 'node1', timestamp: expect.any(String) }

let edges: Heard<EdgeAnnounced>
const stack = new AsyncDisposableStack()
const routes = routesOfFile((app, { bus, config }) => {
  edges = stack.use(
    openHeard(
      (take) => bus.hear(edgeAnnounced, take),
      ({ nodeId }) => nodeId,
    ),
  )
  registerEdge(app, { bus, config, edges })
})
afterAll(() => stack.disposeAsync())

const asked: { command: string; request: unknown }[] = []
beforeAll(() => {
  const commands: readonly CommandDefinition[] = [
    edgeBackendsQueried,
    edgeRouteExplained,
    edgeDecisionsQueried,
    edgeBackendWritten,
  ]
  for (const command of commands) {
    const name = command.template.split('.')[3] ?? ''
    const answer = (request: unknown): unknown => {
      asked.push({ command: name, request })
      if (JSON.stringify(request).includes('"foreign"')) {
        throw new RefusalError('conflict', 'foreign was registered at pop2: name it with at=pop2')
      }
      if (JSON.stringify(request).includes('"remove"')) return { backend: null }
      return fixture(`command-edge-proxy-${name}`).reply
    }
    for (const nodeId of ['pop1', 'pop2'])
      stack.use(routes.bus.respond(command, { nodeId }, answer))
  }
})

const announce = (nodeId: string): void =>
  void routes.bus.hint(edgeAnnounced, { nodeId }, { ...said, nodeId })

test('nobody writes a backend where no point of presence is heard', async () => {
  const answer = await routes.inject({ method: 'DELETE', url: '/api/edge/backends/web-1' })

  expect(answer.statusCode).toBe(503)
  expect(answer.json().detail).toBe('no edge proxy is heard, which would write the row')
})

test('points of presence are those that were heard, by name', async () => {
  const list = async () =>
    (await routes.inject({ method: 'GET', url: '/api/edge' })).json().edges as { nodeId: string }[]
  expect(await list()).toEqual([])

  await until(async () => {
    announce('pop2')
    announce('pop1')
    return (await list()).length === 2
  })

  expect(await list()).toMatchObject([
    { ...said, nodeId: 'pop1', presence: 'present', heardAt: expect.any(String) },
    { nodeId: 'pop2' },
  ])
})

test.each([
  ['/api/edge/pop1/backends', 'backends', { limit: 100 }],
  [
    '/api/edge/pop1/backends?app=web&after=a&limit=5',
    'backends',
    { app: 'web', after: 'a', limit: 5 },
  ],
  [
    '/api/edge/pop1/why?client=203.0.113.7&app=web&without=a,%20b,',
    'explain',
    { client: '203.0.113.7', app: 'web', without: ['a', 'b'] },
  ],
  ['/api/edge/pop1/decisions', 'decisions', { limit: 20 }],
])('GET %s asks for %s and hands on what is answered', async (url, command, request) => {
  const answer = await routes.inject({ method: 'GET', url })

  expect(asked.at(-1)).toEqual({ command, request })
  expect(answer.json()).toEqual({
    ...fixture(`command-edge-proxy-${command}`).reply,
    ...answeredBy,
  })
  expect(answer.statusCode).toBe(200)
})

test.each([
  ['POST', 201, { ip: '10.0.0.1', port: 80 }, 'add'],
  ['PATCH', 200, { weight: 4 }, 'change'],
] as const)(
  '%s of a backend is %i, written by any point of presence',
  async (method, status, body, how) => {
    announce('pop1')
    await until(() => edges.anyPresent() !== undefined)

    const answer = await routes.inject({
      method,
      url: '/api/edge/backends/web%2F1',
      payload: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

    expect(asked.at(-1)?.request).toEqual({ id: 'web/1', how, change: body })
    expect(answer.json()).toEqual({ ...fixture('command-edge-proxy-write').reply, ...answeredBy })
    expect(answer.statusCode).toBe(status)
  },
)

test('a backend is removed by the point of presence that is named', async () => {
  const url = '/api/edge/backends/web-1?at=pop1'

  const answer = await routes.inject({ method: 'DELETE', url })

  expect(asked.at(-1)?.request).toEqual({ id: 'web-1', how: 'remove', change: {} })
  expect(answer.json()).toEqual({ id: 'web-1', ...answeredBy })
})

test.each([
  ['GET', '/api/edge/pop1/backends?limit=0', undefined, 400, /limit/],
  ['GET', '/api/edge/pop1/why', undefined, 400, 'client is missing'],
  ['GET', '/api/edge/no%20pop/decisions', undefined, 400, /id/],
  ['GET', '/api/edge/pop9/decisions', undefined, 503, /edge proxy of pop9/],
  ['POST', '/api/edge/backends/web-1', { address: '10.0.0.1' }, 400, 'address is not known'],
  ['POST', '/api/edge/backends/web-1', { port: 'x' }, 400, 'port must be'],
  ['PATCH', '/api/edge/backends/foreign?at=pop1', { weight: 1 }, 409, 'registered at pop2'],
] as const)('%s %s with %j is %i', async (method, url, body, status, detail) => {
  const answer = await routes.inject({
    method,
    url,
    ...(body && {
      payload: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })

  expect([answer.statusCode, answer.json().detail]).toEqual([status, expect.stringMatching(detail)])
})
