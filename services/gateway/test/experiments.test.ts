import { clocksQueried, experimentCreated, experimentQueried } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import type { Static } from 'typebox'
import { exampleOf, experimentRoutesOfFile, stored } from './served-experiments.ts'

const { routes, asked, analytics } = experimentRoutesOfFile()

test('an experiment is created with what is not said filled in', async () => {
  const answered = await routes.post('/api/experiments', {
    name: 'a',
    transport: 'both',
    seed: 3,
    start: false,
  })

  expect(answered.json()).toMatchObject({
    experiment: exampleOf(experimentCreated).experiment,
    node_id: 'node1',
  })
  expect(answered.statusCode).toBe(201)
  expect(asked.at(-1)?.request).toEqual({
    plan: {
      name: 'a',
      note: '',
      transports: ['gossip', 'direct'],
      origins: ['node1'],
      count: 200,
      interval_ms: 100,
      payload_bytes: 64,
      warmup: 0,
      seed: 3,
      repeat_of: null,
    },
    by: 'operator',
    start: false,
  })
})

test.each([
  [{}, 400, 'name is missing'],
  [{ name: 'a', count: -1 }, 400, 'count must be from 0 to 1000000'],
  [{ name: 'a', count: 1.5 }, 400, 'count must be a whole number'],
  [{ name: 'a', interval_ms: 0 }, 400, 'interval_ms must be from 1 to 3600000'],
  [{ name: 'a', payload_bytes: 65_537 }, 400, 'payload_bytes must be from 1 to 65536'],
  [{ name: 'a\0b' }, 400, 'name must be a line of text, without control characters'],
  [{ name: 'a\ud800b' }, 400, 'name must be a line of text'],
  [{ name: 'a', note: '\0' }, 400, 'note must be text, without NUL'],
  [{ name: 'a', id: 'a/b' }, 400, 'id must be letters, digits, - and _, 64 at most'],
  [{ name: 'a', id: 'x'.repeat(300) }, 400, 'id must be letters'],
  [{ name: 'a', id: 'compare' }, 400, 'and not the word compare'],
  [{ name: 'a', repeat_of: 'a/b' }, 400, /^repeat_of must be letters[^;]*compare$/],
  [{ name: 'a', repeat_of: 5 }, 400, /^repeat_of must be text$/],
  [{ name: 'a', transport: 'pigeon' }, 400, 'transport is not one of the allowed values'],
  [{ name: 'a', origins: ['node1', 'node9'] }, 422, 'no node node9: known are node1, node2'],
  [{ name: 'a', count: 10, warmup: 10 }, 422, 'warmup must be less than count, which is 10'],
  [{ name: 'a', speed: 1 }, 400, 'speed is not known'],
])('the plan %j is refused with %i: %s', async (body, status, detail) => {
  const before = asked.length

  const answered = await routes.post('/api/experiments', body)

  expect(answered.json().detail).toMatch(detail)
  expect(answered.statusCode).toBe(status)
  expect(asked).toHaveLength(before)
})

test.each([
  ['GET', '/api/experiments?limit=5', { limit: 5 }],
  ['GET', '/api/experiments/e1', { id: 'e1' }],
  ['POST', '/api/experiments/e1/start', { id: 'e1', by: 'operator' }],
  ['POST', '/api/experiments/e1/stop', { id: 'e1', by: 'operator' }],
  ['DELETE', '/api/experiments/e1', { id: 'e1', by: 'operator' }],
  ['GET', '/api/experiments/e1/figures', { id: 'e1' }],
  ['GET', '/api/experiments/e1/pairs?after=x', { id: 'e1', after: 'x' }],
  ['GET', '/api/experiments/e1/messages?limit=7', { id: 'e1', limit: 7 }],
  ['GET', '/api/experiments/compare?ids=a,b', { a: ['a'], b: ['b'] }],
  ['GET', '/api/experiments/compare?a=a,b&b=c&seed=2', { a: ['a', 'b'], b: ['c'], seed: 2 }],
  ['GET', '/api/clocks?node=node2&hours=2', { nodeId: 'node2', sinceHours: 2 }],
  ['GET', '/api/propagation?table=t', { table: 't', sinceHours: 24 }],
  ['GET', '/api/analytics/ledger', {}],
  ['GET', '/api/analytics/health', { limit: 1 }],
] as const)('%s %s is asked of analytics as %j', async (method, url, request) => {
  const answered = await routes.inject({ method, url })

  expect(answered.json()).toMatchObject({ node_id: 'node1' })
  expect(answered.statusCode).toBe(200)
  expect(asked.at(-1)?.request).toEqual(request)
})

test.each(['ids=a', 'ids=a,b,c', 'a=a', 'ids=a,b&a=c', ''])(
  'a comparison of %j has not two sides',
  async (query) => {
    const answered = await routes.get(`/api/experiments/compare?${query}`)

    expect(answered.statusCode).toBe(400)
    expect(answered.json().detail).toContain('two sides are compared')
  },
)

test.each([
  ['/api/experiments?before=2026-02-30T00:00:00Z', 'before is a time that does not exist'],
  ['/api/experiments?before=0000-01-01T00:00:00Z', 'before is malformed'],
  ['/api/analytics/experiments/list?before=2026-13-01T00:00:00Z', 'before is a time that'],
  ['/api/experiments?limit=201', 'limit must be from 1 to 200'],
  ['/api/experiments/a%2Fb', 'id must be letters'],
  ['/api/experiments/%E2%98%83/figures', 'id must be letters'],
  ['/api/experiments/%', 'is not a valid url component'],
  ['/api/experiments/e1/pairs?after=%00', 'after must be `next` of the page before'],
  [`/api/experiments/e1/messages?after=${'x'.repeat(301)}`, 'not have more than 300 characters'],
  ['/api/experiments/compare?a=e1&b=a/b', 'b must be ids of experiments with commas'],
  [`/api/experiments/compare?a=e1&b=${'e,'.repeat(100)}e`, '100 at most'],
  ['/api/analytics/experiments/compare?ids=,,', 'ids must be ids of experiments with commas'],
  [`/api/analytics/experiments/compare?ids=${'e,'.repeat(1000)}e`, '100 at most'],
  ['/api/propagation?table=%00', 'table must be a line of text'],
  ['/api/propagation?hours=-1', 'hours must be from 0.1 to 672'],
  ['/api/clocks?node=a.b', 'node is malformed'],
])('GET %s is refused: %s', async (url, detail) => {
  const before = asked.length

  const answered = await routes.get(url)

  expect(answered.headers['content-type']).toContain('application/problem+json')
  expect(answered.json().detail).toContain(detail)
  expect(answered.statusCode).toBe(400)
  expect(asked).toHaveLength(before)
})

test.each([
  ['POST', '/api/experiments/e1/stop', 200],
  ['POST', '/api/analytics/aggregation/stop', 200],
  ['POST', '/api/analytics/vacuum', 200],
  ['DELETE', '/api/experiments/e1', 200],
  ['POST', '/api/experiments', 400],
] as const)('%s %s with a type and no body is answered with %i', async (method, url, status) => {
  const headers = { 'content-type': 'application/json' }

  const answered = await routes.inject({ method, url, headers })

  expect(answered.statusCode).toBe(status)
})

test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
  'a body of type %s is refused, whatever is in it',
  async (type) => {
    const headers = { 'content-type': type }
    const payload = '{"name":"a"}'

    const answered = await routes.inject({
      method: 'POST',
      url: '/api/experiments',
      headers,
      payload,
    })

    expect(answered.json().detail).toBe('a body must be JSON: content-type application/json')
    expect(answered.statusCode).toBe(415)
  },
)

test.each(['', '/summary', '/metrics', '/events', '/topology', '/export'])(
  'what is not there is 404: …%s',
  async (rest) => {
    const answered = await routes.get(
      `/api/${rest === '' ? '' : 'analytics/'}experiments/unknown${rest}`,
    )

    expect(answered.statusCode).toBe(404)
    expect(answered.json().detail).toBe('there is no experiment unknown')
  },
)

test('raw records come page after page, with the experiment first and an end last', async () => {
  const answered = await routes.get('/api/experiments/e1/events')

  expect(answered.headers['content-type']).toBe('application/x-ndjson')
  const lines = answered.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toEqual([
    { experiment: exampleOf(experimentQueried).experiment },
    ...stored,
    { end: { events: 3 } },
  ])
})

test.each(['/api/experiments/broken/events', '/api/analytics/experiments/broken/export'])(
  'what cannot be told to its end breaks off: %s',
  async (url) => {
    await expect(routes.get(url)).rejects.toThrow('response destroyed before completion')
  },
)

test('a page of an import is handed on', async () => {
  const page = { page: 0, is_last: true, events: stored }
  const answered = await routes.post('/api/experiments/import', {
    import_id: '01KF0HNNTV9V8R7D2M5XNCJ4AT',
    ...page,
  })

  expect(answered.json()).toMatchObject({ stored: expect.any(Number), node_id: 'node1' })
  expect(asked.at(-1)?.request).toMatchObject({ page: 0, isLast: true, events: stored })
  const malformed = await routes.post('/api/experiments/import', { import_id: '../../x', ...page })
  expect(malformed.statusCode).toBe(400)
  const huge = await routes.post('/api/experiments/import', { padding: 'x'.repeat(1_000_000) })
  expect(huge.statusCode).toBe(413)
})

test('while analytics is slow or away each question ends with 503, which says so', async () => {
  await analytics.disposeAsync()
  const late = Promise.withResolvers<Static<typeof clocksQueried.reply>>()
  await using _slow = routes.bus.respond(clocksQueried, {}, () => late.promise)

  const slow = await routes.get('/api/clocks')
  const away = await Promise.all(
    [
      '/api/experiments',
      '/api/experiments/e1/events',
      '/api/experiments/compare?ids=e1,e2',
      '/api/propagation',
      '/api/analytics/health',
      '/api/analytics/aggregation/status',
      '/api/analytics/experiments/e1/export',
    ].map((url) => routes.get(url)),
  )

  late.resolve(exampleOf(clocksQueried))
  expect(slow.json().detail).toMatch(/^analytics does not answer \(.*no answer in 3000 ms\): its/)
  expect(slow.statusCode).toBe(503)
  for (const answered of away) {
    expect(answered.json().detail).toMatch(/^analytics does not answer \(.*nobody answers\): its/)
    expect(answered.statusCode).toBe(503)
    expect(answered.headers['retry-after']).toBe('1')
  }
})
