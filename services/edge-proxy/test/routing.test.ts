// The scenarios that edgeProxy documented: by region, in order, with affinity, within capacity.
import { connect as connectPlain } from 'node:net'
import { until } from '@corroport/testing'
import { afterEach, expect, test } from '@jest/globals'
import {
  clientIn,
  firstLine,
  type NamedBackend,
  type Row,
  rowOf,
  startBackend,
  startProxy,
} from './proxy.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function backends<Names extends readonly string[]>(
  ...names: Names
): Promise<{ [index in keyof Names]: NamedBackend }> {
  const started = await Promise.all(names.map(startBackend))
  for (const each of started) stack.use(each)
  return started as { [index in keyof Names]: NamedBackend }
}

async function proxy(rows: readonly Row[], environment: Record<string, string> = {}) {
  return stack.use(await startProxy(rows, environment))
}

test('clients are sent to their country, else to their region, else to the own region, else anywhere', async () => {
  const [de, fr, br, us] = await backends('de', 'fr', 'br', 'us')
  const { ask } = await proxy(
    [
      rowOf(de, { country: 'DE' }),
      rowOf(fr, { country: 'FR' }),
      rowOf(br, { region: 'sa', country: 'BR' }),
      rowOf(us, { region: 'us', country: 'US' }),
    ],
    { EDGEPROXY_REGION: 'us' },
  )

  expect(await ask({ from: clientIn.DE })).toBe('de')
  expect(await ask({ from: clientIn.FR })).toBe('fr')
  expect(await ask({ from: clientIn.BR })).toBe('br')
  expect(await ask({ from: clientIn.JP })).toBe('us')
  expect(await ask({ from: '10.0.0.1' })).toBe('us')
})

test('a client whose country has no backend is sent to its region', async () => {
  const [fr, us] = await backends('fr', 'us')
  const { ask } = await proxy([rowOf(fr, { country: 'FR' }), rowOf(us, { region: 'us' })])

  expect(await ask({ from: clientIn.DE })).toBe('fr')
})

test('when backends fail, one after the other takes their place in order, and no connection fails', async () => {
  const [country, region, own, far] = await backends('country', 'region', 'own', 'far')
  const { ask } = await proxy(
    [
      rowOf(country, { country: 'DE' }),
      rowOf(region, { country: 'FR' }),
      rowOf(own, { region: 'us' }),
      rowOf(far, { region: 'ap' }),
    ],
    { EDGEPROXY_REGION: 'us', EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD: '1' },
  )
  const order: (string | undefined)[] = []
  for (const next of [country, region, own, far]) {
    order.push(await ask({ from: clientIn.DE }))
    await next.kill()
  }
  expect(order).toEqual(['country', 'region', 'own', 'far'])
  expect(await ask({ from: clientIn.DE })).toBeUndefined()
})

test('a dead backend is left out after it has failed, and taken again when it is back', async () => {
  const [near, far] = await backends('near', 'far')
  const { ask, metric } = await proxy(
    [rowOf(near, { country: 'DE' }), rowOf(far, { region: 'us' })],
    { EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD: '3', EDGEPROXY_CIRCUIT_TIMEOUT_SECS: '0.5' },
  )
  await near.kill()

  const names = []
  for (let count = 0; count < 20; count += 1) names.push(await ask({ from: clientIn.DE }))
  expect(names).toEqual(Array.from({ length: 20 }, () => 'far'))
  expect(await metric('edgeproxy_backend_errors_total', { backend: 'near' })).toBeLessThan(8)

  await near.revive()
  while ((await ask({ from: clientIn.DE })) !== 'near');
})

test('a client keeps its backend while it has room, and is given another when it has none', async () => {
  const [a, b] = await backends('a', 'b')
  const limit = { hard_limit: 10 }
  const { connect, ask } = await proxy([rowOf(a, limit), rowOf(b, limit)], {
    EDGEPROXY_BINDING_TTL_SECS: '600',
  })
  const from = clientIn.DE
  const names: (string | undefined)[] = []
  for (let count = 0; count < 10; count += 1) {
    const socket = await connect({ from })
    stack.defer(() => void socket.destroy())
    names.push(await firstLine(socket))
  }
  const [first] = names
  expect(names).toEqual(names.map(() => first))

  expect(await ask({ from })).toBe(first === 'a' ? 'b' : 'a')
})

test('hard limits hold in all threads together: what is beyond goes farther, and then nowhere', async () => {
  const [near, far] = await backends('near', 'far')
  const { connect } = await proxy([
    rowOf(near, { country: 'DE', hard_limit: 5 }),
    rowOf(far, { region: 'us', hard_limit: 5 }),
  ])
  const sockets = await Promise.all(
    Array.from({ length: 20 }, async () => await connect({ from: clientIn.DE })),
  )
  const names = await Promise.all(sockets.map(firstLine))
  for (const socket of sockets) socket.destroy()

  const count = (name: string | undefined) => names.filter((each) => each === name).length
  expect([count('near'), count('far'), count(undefined)]).toEqual([5, 5, 10])
})

test('with spilling a backend at its soft limit stands behind those that are farther away', async () => {
  const [near, far] = await backends('near', 'far')
  const { connect } = await proxy(
    [rowOf(near, { country: 'DE', soft_limit: 3 }), rowOf(far, { region: 'us' })],
    { EDGEPROXY_SPILL_AT_SOFT_LIMIT: 'true' },
  )
  const names: (string | undefined)[] = []
  for (let count = 0; count < 5; count += 1) {
    const socket = await connect({ from: clientIn.DE })
    stack.defer(() => void socket.destroy())
    names.push(await firstLine(socket))
  }
  expect(names).toEqual(['near', 'near', 'near', 'far', 'far'])
})

test('each listener serves its app, and never a backend of another', async () => {
  const [web, game] = await backends('web', 'game')
  const { ask, set } = await proxy([rowOf(web), rowOf(game, { app: 'game' })], {
    EDGEPROXY_LISTENERS: 'web=127.0.0.1:0,game=127.0.0.1:0',
  })
  expect(await ask({ listener: 0 })).toBe('web')
  expect(await ask({ listener: 1 })).toBe('game')

  await set([rowOf(game, { app: 'game' })])

  expect(await ask({ listener: 0 })).toBeUndefined()
})

test.each([
  ['reported unhealthy', { healthy: 0 }],
  ['draining', { draining: 1 }],
  ['without weight', { weight: 0 }],
  ['deleted', { deleted: 1 }],
  ['of another kind of row', { port: 'x' }],
  ['in an unknown region', { region: 'mars' }],
  ['at an address that is refused', { wg_ip: '169.254.169.254' }],
])('a backend that is %s takes nothing, and the others route', async (_, more) => {
  const [out, inside] = await backends('out', 'inside')
  const { ask } = await proxy([
    rowOf(out, { country: 'DE', ...more }),
    rowOf(inside, { region: 'us' }),
  ])
  expect(await ask({ from: clientIn.DE })).toBe('inside')
})

test('an end is passed on each way by itself, and a reset is passed on as a reset', async () => {
  const [one] = await backends('one')
  const { connect } = await proxy([rowOf(one)])
  const socket = await connect()
  expect(await firstLine(socket)).toBe('one')
  socket.end('last words\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text).toBe('last words\n')

  const broken = await connect()
  expect(await firstLine(broken)).toBe('one')
  const wasBroken = new Promise((resolve) => broken.once('close', resolve))
  for (const each of one.open) each.resetAndDestroy()
  expect(await wasBroken).toBe(true)
})

test('a client that has said all before its backend has accepted is answered, and nothing is left', async () => {
  const [one] = await backends('one')
  // Without a header, so that nothing waits for its first byte.
  const { proxy: running, metric } = await proxy([rowOf(one)], {
    EDGEPROXY_PROXY_PROTOCOL_IN: 'false',
  })
  const ask = async (words: string): Promise<string> => {
    const socket = connectPlain({
      host: '127.0.0.1',
      port: running.ports[0] ?? 0,
      allowHalfOpen: true,
    })
    socket.end(words)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }

  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => ask(index % 2 === 0 ? 'all\n' : '')),
  )

  expect([...new Set(answers)].toSorted()).toEqual(['one\n', 'one\nall\n'])
  await until(async () => (await metric('edgeproxy_connections_active')) === 0)
})
