// Three points of presence, each a proxy beside an agent of its own.
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type CorrosionAgent, startCorrosionAgent, until } from '@corroport/testing'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Value } from 'typebox/value'
import { BackendList } from '../src/api/answers.ts'
import { firstLine, startAtAgent, startBackend } from './proxy.ts'

const all = new AsyncDisposableStack()
let agents: CorrosionAgent[]
beforeAll(async () => {
  const first = all.use(await startCorrosionAgent())
  const bootstrap = [first.gossipAddr]
  const others = await Promise.all([1, 2].map(async () => await startCorrosionAgent({ bootstrap })))
  for (const other of others) all.use(other)
  agents = [first, ...others]
}, 90_000)
afterAll(async () => {
  await all.disposeAsync()
})

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function pop(number: number, environment: Record<string, string> = {}) {
  const agent = agents[number - 1]
  if (!agent) throw new Error(`there is no agent ${number}`)
  return stack.use(await startAtAgent(agent, { NODE_ID: `pop${number}`, ...environment }))
}

const registration = { id: 'web-1', app: 'web', region: 'eu', ip: '127.0.0.1' }

test('what is registered at one routes at all, until it is deregistered', async () => {
  const backend = stack.use(await startBackend('one'))
  const pops = [await pop(1), await pop(2), await pop(3)]
  const [first, , third] = pops

  await first?.call('POST', '/api/v1/register', { ...registration, port: backend.port })
  for (const each of pops) await until(async () => (await each.ask()) === 'one')

  expect((await third?.call('GET', '/api/v1/backends/web-1'))?.body).toMatchObject({
    owner: 'pop1',
  })
  expect(await third?.call('POST', '/api/v1/heartbeat/web-1')).toMatchObject({
    status: 404,
    body: { id: 'web-1', error: 'backend not registered here, but by pop1' },
  })
  await first?.call('DELETE', '/api/v1/backends/web-1')
  for (const each of pops) await until(async () => (await each.ask()) === undefined)
})

test('a backend that registers elsewhere has moved there, and is kept by heartbeats there', async () => {
  const backend = stack.use(await startBackend('one'))
  const [first, second] = [await pop(1), await pop(2)]
  const body = { ...registration, port: backend.port }
  await first.call('POST', '/api/v1/register', body)
  await until(async () => (await second.ask()) === 'one')

  expect((await second.call('POST', '/api/v1/register', body)).status).toBe(201)
  await until(async () => {
    const { body: row } = await first.call('GET', '/api/v1/backends/web-1')
    return JSON.stringify(row).includes('"owner":"pop2"')
  })

  expect((await first.call('POST', '/api/v1/heartbeat/web-1')).status).toBe(404)
  expect((await second.call('POST', '/api/v1/heartbeat/web-1')).status).toBe(200)
  expect((await second.call('DELETE', '/api/v1/backends/web-1')).status).toBe(200)
})

test('while its agent is away a proxy routes on and tells the age, and follows it again when it is back', async () => {
  const [stays, comes] = [await startBackend('stays'), await startBackend('comes')]
  stack.use(stays)
  stack.use(comes)
  const [first, second] = [await pop(1), await pop(2)]
  await first.call('POST', '/api/v1/register', { ...registration, port: stays.port })
  await until(async () => (await second.ask()) === 'stays')

  await agents[1]?.kill('SIGKILL')
  await until(async () => (await second.metric('edgeproxy_table_live')) === 0)
  await until(async () => (await second.metric('edgeproxy_table_age_seconds')) > 2)
  expect(await second.ask()).toBe('stays')
  expect((await second.call('GET', '/health')).body).toMatchObject({ status: 'degraded' })
  const refused = { ...registration, id: 'web-2', port: comes.port }
  expect(await second.call('POST', '/api/v1/register', refused)).toMatchObject({ status: 503 })
  const open = await second.connect()
  expect(await firstLine(open)).toBe('stays')

  await agents[1]?.start()
  await until(async () => (await second.metric('edgeproxy_table_live')) === 1)
  expect(await second.metric('edgeproxy_table_age_seconds')).toBe(0)
  expect((await second.call('POST', '/api/v1/register', refused)).status).toBe(201)
  await until(async () => (await second.ask()) === 'comes')

  await using client = createCorrosionClient({ url: agents[1]?.url ?? '' })
  const { rows } = await client.query('SELECT id FROM backends ORDER BY id')
  const { body } = await second.call('GET', '/api/v1/backends')
  const known = Value.Parse(BackendList, body).backends.map(({ id }) => id)
  expect(known.toSorted()).toEqual(rows.flat())
  open.write('still here\n')
  expect(await firstLine(open)).toBe('still here')
  open.destroy()
})
