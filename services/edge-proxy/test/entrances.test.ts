// What is read of a connection before it is routed: PROXY headers, TLS, server names; and limits.
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { connect as connectPlain, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterEach, expect, test } from '@jest/globals'
import { readProxyHeader } from '../src/wire/proxy-protocol.ts'
import { firstLine, type Row, rowOf, startBackend, startProxy } from './proxy.ts'

const certificates = join(import.meta.dirname, 'certificates')
const web = { cert: join(certificates, 'web.pem'), key: join(certificates, 'web.key.pem') }
const game = { cert: join(certificates, 'game.pem'), key: join(certificates, 'game.key.pem') }

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

async function backend(name: string) {
  return stack.use(await startBackend(name))
}

async function proxy(rows: readonly Row[], environment: Record<string, string> = {}) {
  const direct = { EDGEPROXY_PROXY_PROTOCOL_IN: 'false' }
  return stack.use(await startProxy(rows, { ...direct, ...environment }))
}

function reach(port = 0): Socket {
  const socket = connectPlain({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  stack.defer(() => void socket.destroy())
  return socket
}

async function ended(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

test.each([
  ['claims more than it may have', '0d0a0d0a000d0a515549540a2111ffff'],
  ['claims less than its addresses need', '0d0a0d0a000d0a515549540a211100047f000001'],
  ['is of no version that there is', '0d0a0d0a000d0a515549540a3111000c'],
  ['is none', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
])('a PROXY header that %s is refused', async (_, hex) => {
  const { proxy: running, metric } = await proxy([rowOf(await backend('one'))], {
    EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
  })
  const socket = reach(running.ports[0])
  socket.write(Buffer.from(hex, 'hex'))

  await ended(socket)

  expect(await metric('edgeproxy_refused_total', { reason: 'bad-proxy-header' })).toBe(1)
})

test('a client that begins a header and never ends it is refused in time', async () => {
  const { proxy: running, metric } = await proxy([rowOf(await backend('one'))], {
    EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
    EDGEPROXY_HANDSHAKE_TIMEOUT_SECS: '0.2',
  })
  const socket = reach(running.ports[0])
  socket.write(Buffer.from('0d0a0d0a00', 'hex'))

  await ended(socket)

  expect(await metric('edgeproxy_refused_total', { reason: 'bad-proxy-header' })).toBe(1)
})

test('a backend is told of the client, before its first byte', async () => {
  const server = createServer((socket) => {
    socket.once('data', (bytes) => {
      const header = readProxyHeader(Buffer.from(bytes))
      socket.end(JSON.stringify(header.state === 'done' ? header.source : header))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { connect } = await proxy(
    [{ id: 'b', app: 'web', region: 'eu', wg_ip: '127.0.0.1', port }],
    { EDGEPROXY_PROXY_PROTOCOL_IN: 'true', EDGEPROXY_PROXY_PROTOCOL_OUT: 'true' },
  )
  const socket = await connect({ from: '203.0.113.7' })
  let text = ''
  for await (const chunk of socket) text += String(chunk)

  expect(JSON.parse(text)).toEqual({ address: '203.0.113.7', port: 4000 })
})

const tls = {
  EDGEPROXY_TLS_ENABLED: 'true',
  EDGEPROXY_TLS_LISTEN_ADDR: '127.0.0.1:0',
  EDGEPROXY_LISTENERS: 'web=127.0.0.1:0',
  EDGEPROXY_TLS_CERT: `${web.cert},${game.cert}`,
  EDGEPROXY_TLS_KEY: `${web.key},${game.key}`,
}

async function askTls(port: number | undefined, servername: string) {
  const socket = connectTls({
    host: '127.0.0.1',
    port: port ?? 0,
    servername,
    rejectUnauthorized: false,
  })
  socket.on('error', () => undefined)
  const name = await firstLine(socket)
  // There is none of a connection that was broken off.
  const { subject } = socket.getPeerX509Certificate() ?? {}
  socket.destroy()
  return { name, subject: subject?.replace('CN=', '') }
}

test('TLS is ended here: the server name chooses the app and the certificate', async () => {
  const rows = [rowOf(await backend('w')), rowOf(await backend('g'), { app: 'game' })]
  const { proxy: running, metric } = await proxy(rows, tls)
  const port = running.ports[1]

  expect(await askTls(port, 'web.internal')).toEqual({ name: 'w', subject: 'web.internal' })
  expect(await askTls(port, 'game.internal')).toEqual({ name: 'g', subject: 'game.internal' })
  expect((await askTls(port, 'other.example.com')).name).toBeUndefined()
  expect(await metric('edgeproxy_refused_total', { reason: 'unknown-server-name' })).toBe(1)
})

test('a certificate that is replaced is used for the next connection, and a broken one is not', async () => {
  using folder = createTemporaryFolder()
  const cert = join(folder.path, 'cert.pem')
  const key = join(folder.path, 'key.pem')
  const install = (pair: { cert: string; key: string }): void => {
    copyFileSync(pair.cert, cert)
    copyFileSync(pair.key, key)
  }
  install(web)
  const { proxy: running } = await proxy([rowOf(await backend('w'))], {
    ...tls,
    EDGEPROXY_APP: 'web',
    EDGEPROXY_TLS_CERT: cert,
    EDGEPROXY_TLS_KEY: key,
  })
  const shown = async () => (await askTls(running.ports[1], 'any.internal')).subject
  expect(await shown()).toBe('web.internal')

  copyFileSync(game.cert, cert) // its key does not fit
  expect(await shown()).toBe('web.internal')
  install(game)

  await until(async () => (await shown()) === 'game.internal')
})

test('a TLS client that never speaks is refused in time, and takes nobody with it', async () => {
  const { proxy: running, metric } = await proxy([rowOf(await backend('w'))], {
    ...tls,
    EDGEPROXY_HANDSHAKE_TIMEOUT_SECS: '0.3',
  })
  const silent = reach(running.ports[1])
  await once(silent, 'connect')
  expect((await askTls(running.ports[1], 'web.internal')).name).toBe('w')

  await ended(silent)

  expect(await metric('edgeproxy_refused_total', { reason: 'no-handshake' })).toBe(1)
})

test('TLS is passed on unread to the app of its server name', async () => {
  const context = createSecureContext({
    cert: readFileSync(game.cert),
    key: readFileSync(game.key),
  })
  const server = createServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: context })
    secure.on('error', () => undefined)
    secure.write('from inside\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { proxy: running } = await proxy(
    [{ id: 'b', app: 'game', region: 'eu', wg_ip: '127.0.0.1', port }],
    {
      EDGEPROXY_LISTENERS: 'web=127.0.0.1:0',
      EDGEPROXY_SNI_LISTEN_ADDR: '127.0.0.1:0',
      EDGEPROXY_SERVER_NAMES: 'play.example.com=game',
    },
  )
  const wanted = { name: 'from inside', subject: 'game.internal' }

  expect(await askTls(running.ports[1], 'game.internal')).toEqual(wanted)
  expect(await askTls(running.ports[1], 'play.example.com')).toEqual(wanted)
  expect((await askTls(running.ports[1], 'web.internal')).name).toBeUndefined()
  expect((await askTls(running.ports[1], 'unknown.example.com')).name).toBeUndefined()
})

test('there are no more connections than the limit, of all and of each address', async () => {
  const { connect, metric } = await proxy([rowOf(await backend('one'))], {
    EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
    EDGEPROXY_MAX_CONNECTIONS: '5',
    EDGEPROXY_MAX_CONNECTIONS_PER_CLIENT: '2',
  })
  const ask = async (from: string) => {
    const socket = await connect({ from })
    stack.defer(() => void socket.destroy())
    return await firstLine(socket)
  }
  const names: (string | undefined)[] = []
  for (const last of [1, 1, 1, 2, 2, 3, 4]) names.push(await ask(`203.0.113.${last}`))

  expect(names).toEqual(['one', 'one', undefined, 'one', 'one', 'one', undefined])
  expect(await metric('edgeproxy_refused_total', { reason: 'client-full' })).toBe(1)
  expect(await metric('edgeproxy_refused_total', { reason: 'proxy-full' })).toBe(1)
})

test('a connection in which nobody speaks is broken off after the idle time', async () => {
  const { connect, metric } = await proxy([rowOf(await backend('one'))], {
    EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
    EDGEPROXY_IDLE_TIMEOUT_SECS: '0.3',
  })
  const socket = await connect()
  expect(await firstLine(socket)).toBe('one')

  await ended(socket)

  // Counted when both sides are closed.
  await until(async () => (await metric('edgeproxy_broken_total', { by: 'idle' })) === 1)
})

test('at a stop what is open may end, what is not accepted yet is not, and the rest is broken off', async () => {
  const under = await startProxy([rowOf(await backend('one'))], {
    EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '1',
  })
  const [ending, staying] = [await under.connect(), await under.connect()]
  await firstLine(ending)
  await firstLine(staying)

  const stopped = under[Symbol.asyncDispose]()
  await until(async () => {
    const late = reach(under.proxy.ports[0])
    return await new Promise<boolean>((resolve) => {
      late.once('connect', () => resolve(false))
      late.once('error', () => resolve(true))
    })
  })
  ending.end('goodbye\n')
  let text = ''
  for await (const chunk of ending) text += String(chunk)
  expect(text).toBe('goodbye\n')
  await ended(staying)
  await stopped
})
