import { expect, test } from '@jest/globals'
import { Registry } from 'prom-client'
import { createHealth, listenForOperators } from '../src/health.ts'

const token = 'a-token-for-metrics-0123456789'

async function listen() {
  const health = createHealth('gateway', 'node1')
  health.depend('nats', () => ({ ok: false, detail: 'a detail' }))
  const metrics = new Registry()
  const listener = await listenForOperators({ host: '127.0.0.1', port: 0, token, health, metrics })
  const ask = async (path: string, authorization?: string) => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
    })
    return { status: response.status, text: await response.text() }
  }
  return Object.assign(listener, { ask })
}

const probes = ['/health/live', '/health/ready', '/health/startup', '/health']

test('without the token a probe tells its status and nothing else', async () => {
  await using listener = await listen()

  const answers = await Promise.all(probes.map((path) => listener.ask(path)))

  expect(answers).toEqual([
    { status: 200, text: '{"status":"ok"}' },
    { status: 503, text: '{"status":"unavailable"}' },
    { status: 503, text: '{"status":"unavailable"}' },
    { status: 503, text: '{"status":"error"}' },
  ])
  expect(await listener.ask('/metrics')).toMatchObject({ status: 401 })
})

test('with the token a probe tells everything, and there are metrics', async () => {
  await using listener = await listen()

  for (const path of ['/health/ready', '/health/startup', '/health']) {
    expect((await listener.ask(path, `Bearer ${token}`)).text).toContain('a detail')
  }
  expect(await listener.ask('/metrics', `bearer ${token}`)).toMatchObject({ status: 200 })
})

test.each([
  ['another', `Bearer ${token.replace('a', 'b')}`],
  ['its beginning', `Bearer ${token.slice(0, -1)}`],
  ['more than it', `Bearer ${token}0`],
  ['nothing', 'Bearer '],
  ['a user and password', `Basic ${btoa(`x:${token}`)}`],
  ['the token alone', token],
])('%s is not the token', async (_, authorization) => {
  await using listener = await listen()

  expect((await listener.ask('/metrics', authorization)).status).toBe(401)
  expect((await listener.ask('/health', authorization)).text).toBe('{"status":"error"}')
})
