import { expect, test } from '@jest/globals'
import { Registry } from 'prom-client'
import { createHealth, type Health, listenForOperators } from '../src/health.ts'

async function listen(health: Health) {
  const listener = await listenForOperators({
    host: '127.0.0.1',
    port: 0,
    health,
    metrics: new Registry(),
  })
  const ask = async (probe: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${probe}`)
    return { status: response.status, body: await response.json() }
  }
  const codes = async (): Promise<Record<string, number>> => ({
    live: (await ask('/health/live')).status,
    ready: (await ask('/health/ready')).status,
    startup: (await ask('/health/startup')).status,
    summary: (await ask('/health')).status,
  })
  return Object.assign(listener, { ask, codes })
}

test('a process is live before it is ready, and started once it was ready', async () => {
  const health = createHealth('gateway', 'node1')
  let isConnected = false
  health.depend('nats', () => ({ ok: isConnected, detail: 'looked at' }))
  await using listener = await listen(health)

  expect(await listener.codes()).toEqual({ live: 200, ready: 503, startup: 503, summary: 503 })
  isConnected = true
  expect(await listener.codes()).toEqual({ live: 200, ready: 200, startup: 200, summary: 200 })
  isConnected = false
  expect(await listener.codes()).toEqual({ live: 200, ready: 503, startup: 200, summary: 503 })

  expect(await listener.ask('/health/ready')).toEqual({
    status: 503,
    body: {
      status: 'unavailable',
      service: 'gateway',
      nodeId: 'node1',
      checks: [{ name: 'nats', ok: false, detail: 'looked at' }],
    },
  })
})

test('without what only helps, a process is ready and says degraded', async () => {
  const health = createHealth('gateway')
  health.depend('postgres', () => ({ ok: false, detail: 'away' }), 'helps')
  await using listener = await listen(health)

  expect(await listener.codes()).toEqual({ live: 200, ready: 200, startup: 200, summary: 200 })
  expect(await listener.ask('/health')).toMatchObject({
    body: {
      status: 'degraded',
      checks: [
        { name: 'event loop', ok: true },
        { name: 'postgres', ok: false, detail: 'away' },
      ],
    },
  })
})

test('a process on its way out is not ready, and still live', async () => {
  const health = createHealth('gateway')
  await using listener = await listen(health)
  expect((await listener.ask('/health/startup')).status).toBe(200)

  health.startStopping()

  expect(await listener.codes()).toEqual({ live: 200, ready: 503, startup: 200, summary: 503 })
})

test('a process that has given up is not live', async () => {
  const health = createHealth('gateway')
  await using listener = await listen(health)

  health.giveUp('the state file is gone')

  expect(await listener.ask('/health/live')).toMatchObject({
    status: 503,
    body: {
      checks: [{ name: 'event loop' }, { name: 'process', detail: 'the state file is gone' }],
    },
  })
  expect(await listener.ask('/health')).toMatchObject({ status: 503, body: { status: 'error' } })
})

test('liveness tells how late the event loop is', async () => {
  const health = createHealth('gateway')

  const asked = health.live()
  const until = performance.now() + 60
  while (performance.now() < until);

  const { status, checks } = await asked
  expect(status).toBe('ok')
  expect(Number(/^(\d+) ms late$/.exec(checks[0]?.detail ?? '')?.[1])).toBeGreaterThanOrEqual(50)
})
