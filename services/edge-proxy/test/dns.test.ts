// Names of apps over UDP, asked with another's encoder.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from '@jest/globals'
import dnsPacket from 'dns-packet'
import { startProxy } from './proxy.ts'

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
})

const row = (id: string, more: Record<string, string | number> = {}) => ({
  id,
  app: 'web',
  region: 'eu',
  wg_ip: `10.0.0.${id}`,
  port: 80,
  ...more,
})

async function setUp(rows: readonly ReturnType<typeof row>[]) {
  const environment = { EDGEPROXY_DNS_ENABLED: 'true', EDGEPROXY_DNS_LISTEN_ADDR: '127.0.0.1:0' }
  const { proxy, set } = stack.use(await startProxy(rows, environment))
  const socket = createSocket('udp4')
  stack.defer(() => void socket.close())
  const send = (bytes: Uint8Array): void => socket.send(bytes, proxy.dnsPort, '127.0.0.1')
  const ask = async (name: string, type: 'A' | 'AAAA' | 'TXT' = 'A') => {
    send(dnsPacket.encode({ type: 'query', id: 7, questions: [{ type, name }] }))
    const [bytes] = await once(socket, 'message')
    const { answers = [], rcode } = dnsPacket.decode(bytes) as dnsPacket.DecodedPacket & {
      rcode: string
    }
    return {
      rcode,
      found: answers.flatMap((each) =>
        each.type === 'A' || each.type === 'AAAA' ? each.data : [],
      ),
    }
  }
  return { ask, send, set }
}

test('a name is answered with the backends of its app that take connections, or of its region', async () => {
  const rows = [
    row('1'),
    row('2', { region: 'us' }),
    row('3', { healthy: 0 }),
    row('4', { app: 'game', wg_ip: 'fd00::4' }),
  ]
  const { ask, set } = await setUp(rows)

  const all = await ask('web.internal')
  expect(all.found.toSorted()).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(await ask('US.Web.internal')).toEqual({ rcode: 'NOERROR', found: ['10.0.0.2'] })
  expect(await ask('game.internal')).toEqual({ rcode: 'NOERROR', found: [] })
  expect((await ask('game.internal', 'AAAA')).found).toEqual(['fd00::4'])
  expect((await ask('none.internal')).rcode).toBe('NXDOMAIN')
  expect((await ask('web.example.com')).rcode).toBe('REFUSED')
  await set(rows.filter(({ id }) => id !== '2'))
  expect((await ask('web.internal')).found).toEqual(['10.0.0.1'])
})

test('of many backends eight are answered, and garbage is answered by nothing or an error', async () => {
  const { ask, send } = await setUp(Array.from({ length: 20 }, (_, index) => row(`${index + 1}`)))
  for (let length = 0; length < 64; length += 1) {
    send(Uint8Array.from({ length }, (_, index) => ((index * 37 + length) % 256) | 0x80))
  }

  const { found } = await ask('web.internal')

  expect(new Set(found).size).toBe(8)
})
