import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { timestamp } from './answers.ts'
import { corroport, startCorroport } from './corroport.ts'
import { problem, startGateway } from './gateway.ts'

const fixture = (name: string) => {
  const folder = join(import.meta.dirname, '../../contracts/fixtures')
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}
const by = { node_id: 'node1', timestamp }
const pop = { ...fixture('hint-edge'), presence: 'present', heardAt: timestamp }
const pops = { edges: [{ ...pop, nodeId: 'pop0', presence: 'lost' }, pop], ...by }
const why = { ...fixture('command-edge-proxy-explain').reply, ...by }
const written = { ...fixture('command-edge-proxy-write').reply, ...by }

test('points of presence are shown; one that is lost makes the exit code 4', async () => {
  await using gateway = await startGateway({ 'GET /api/edge': pops })

  const shown = await corroport(['edge', 'pops', '--url', gateway.url])
  const json = await corroport(['edge', 'pops', '--json', '--url', gateway.url])

  expect(shown.stdout).toMatch(
    /^pop0 +eu +lost +12 +48210 +3 +5 of 6, 1 left out +live +web:7080$/m,
  )
  expect([shown.code, json.code]).toEqual([4, 4])
  expect(JSON.parse(json.stdout)).toEqual(pops)
})

test('where a client would go is asked of the first that is present, or of the one that is named', async () => {
  const answers = {
    'GET /api/edge': pops,
    'GET /api/edge/node1/why': why,
    'GET /api/edge/a%2Fb/why': { ...why, chosen: [] },
  }
  await using gateway = await startGateway(answers)
  const ask = (...args: string[]) =>
    corroport(['edge', 'why', '203.0.113.7', 'web', ...args, '--url', gateway.url])

  const found = await ask()
  const none = await ask('--pop', 'a/b', '--without', 'web-1')

  expect(found.code).toBe(0)
  expect(found.stdout).toMatch(/^203\.0\.113\.7 is in /)
  for (const { id } of why.candidates) expect(found.stdout).toContain(id)
  expect(none.code).toBe(1)
  expect(none.stdout).toContain('it would be sent nowhere')
  expect(gateway.asked.map(({ line }) => line)).toEqual([
    'GET /api/edge',
    'GET /api/edge/node1/why?client=203.0.113.7&app=web',
    'GET /api/edge/a%2Fb/why?client=203.0.113.7&app=web&without=web-1',
  ])
})

test('without a point of presence it says what to do', async () => {
  await using gateway = await startGateway({ 'GET /api/edge': { edges: [], ...by } })

  const ended = await corroport(['edge', 'routes', '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('no edge proxy is heard: start one with the NATS_URL')
})

test('a backend is added, changed with what is named only, and removed when it is meant', async () => {
  const route = '/api/edge/backends/web-1'
  await using gateway = await startGateway({
    [`POST ${route}`]: written,
    [`PATCH ${route}`]: written,
    [`DELETE ${route}`]: { id: 'web-1', ...by },
  })
  const at = ['--url', gateway.url]

  const where = ['--app', 'web', '--region', 'eu', '--ip', '10.0.0.1', '--port', '80']
  const added = await corroport(['edge', 'add', 'web-1', ...where, ...at])
  const set = await corroport(['edge', 'set', 'web-1', '--draining', 'true', '--pop', 'p', ...at])
  const unmeant = await corroport(['edge', 'remove', 'web-1', ...at])
  const removed = await corroport(['edge', 'remove', 'web-1', '--yes', ...at])

  expect([added.code, set.code, unmeant.code, removed.code]).toEqual([0, 0, 2, 0])
  expect(gateway.asked.map(({ line, body }) => [line, body && JSON.parse(body)])).toEqual([
    [`POST ${route}`, { app: 'web', region: 'eu', ip: '10.0.0.1', port: 80 }],
    [`PATCH ${route}?at=p`, { draining: true }],
    [`DELETE ${route}`, ''],
  ])
})

test.each([
  [['set', 'web-1'], 'name what is to change'],
  [['set', 'web-1', '--weight', '256'], 'from 0 to 255'],
  [['set', 'web-1', '--draining', 'yes'], 'true or false'],
  [['add', 'web-1', '--port', '70000'], 'from 1 to 65535'],
  [['register', 'web-1', '--app', 'web', '--region', 'eu', '--ip', 'x'], '--port'],
  [['register', 'web-1', '--proxy', 'ftp://x'], 'Not an http address'],
])('%j is refused before anything is asked: %s', async (args, said) => {
  const ended = await corroport(['edge', ...args])

  expect(ended.stderr).toContain(said)
  expect(ended.code).toBe(2)
})

test('what a gateway refuses is said in its words', async () => {
  const refusal = 'web-1 was registered at pop2: name it with --pop pop2'
  await using gateway = await startGateway({
    'PATCH /api/edge/backends/web-1': problem(409, refusal),
  })

  const ended = await corroport(['edge', 'set', 'web-1', '--weight', '0', '--url', gateway.url])

  expect(ended.stderr).toContain(refusal)
  expect(ended.code).toBe(1)
})

const registering = ['edge', 'register', 'web-1', '--app', 'web', '--region', 'eu']
const place = ['--ip', '10.0.0.1', '--port', '80', '--every', '1']

test('a registration is kept alive, made anew when it is forgotten, and taken back at the end', async () => {
  await using proxy = await startGateway({
    'POST /api/v1/register': { id: 'web-1', registered: true },
    'POST /api/v1/heartbeat/web-1': [
      { id: 'web-1', status: 'ok' },
      problem(404, 'backend not registered'),
    ],
    'DELETE /api/v1/backends/web-1': { id: 'web-1', deregistered: true },
  })
  const options = { environment: { EDGEPROXY_API_TOKEN: 'a secret of sixteen' } }
  await using running = startCorroport([...registering, ...place, '--proxy', proxy.url], options)

  expect(await running.note()).toContain('web-1 is registered')
  expect(await running.note()).toContain('web-1 is registered')
  await running.end('SIGINT')

  expect(proxy.asked.map(({ line }) => line)).toEqual([
    'POST /api/v1/register',
    'POST /api/v1/heartbeat/web-1',
    'POST /api/v1/heartbeat/web-1',
    'POST /api/v1/register',
    'DELETE /api/v1/backends/web-1',
  ])
  const [first] = proxy.asked
  expect(first?.headers.authorization).toBe('Bearer a secret of sixteen')
  expect(JSON.parse(first?.body ?? '')).toEqual({
    id: 'web-1',
    app: 'web',
    region: 'eu',
    ip: '10.0.0.1',
    port: 80,
  })
})

test('a registration that is refused ends with what was said', async () => {
  await using proxy = await startGateway({
    'POST /api/v1/register': problem(422, 'region is "eu": known are us'),
  })

  const ended = await corroport([...registering, ...place, '--proxy', proxy.url])

  expect(ended.stderr).toContain('region is \\"eu\\": known are us')
  expect(ended.code).toBe(1)
})
