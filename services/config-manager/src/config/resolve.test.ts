import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { decode, encode } from 'dns-packet'
import { type LookUp, resolveHosts, searched } from './resolve.ts'

const names: Record<string, string[]> = {
  'seed 4': ['10.0.0.2', '10.0.0.1'],
  'seed 6': ['fdaa::1'],
  'six 6': ['fdaa::1'],
}

const lookUp: LookUp = (name, family) =>
  name === 'broken'
    ? Promise.reject(Object.assign(new Error('queryA'), { code: 'ESERVFAIL' }))
    : Promise.resolve(names[`${name} ${family}`] ?? [])

test('names have the addresses of the family of the gossip address', async () => {
  const hosts = ['seed:8787', 'six', '10.0.0.9:1', '[fdaa::9]:1', 'none:1', 'broken:1', 'bad:x']

  expect(await resolveHosts(hosts, '10.0.0.1:8787', lookUp)).toEqual([
    { host: 'seed:8787', addresses: ['10.0.0.1:8787', '10.0.0.2:8787'], error: null },
    { host: 'six', addresses: [], error: 'has only IPv6, and the gossip address is IPv4' },
    { host: '10.0.0.9:1', addresses: ['10.0.0.9:1'], error: null },
    { host: '[fdaa::9]:1', addresses: [], error: 'is only IPv6, and the gossip address is IPv4' },
    { host: 'none:1', addresses: [], error: 'has no address' },
    { host: 'broken:1', addresses: [], error: 'DNS answered ESERVFAIL' },
    { host: 'bad:x', addresses: [], error: expect.stringContaining('the port must be') },
  ])
  expect(await resolveHosts(['seed:1', '[fdaa:0::9]:1'], '[::]:8787', lookUp)).toEqual([
    { host: 'seed:1', addresses: ['[fdaa::1]:1'], error: null },
    { host: '[fdaa:0::9]:1', addresses: ['[fdaa::9]:1'], error: null },
  ])
})

/** A DNS server on loopback: it knows one name, and says nothing at all where it is silent. */
async function startDns(isSilent: boolean): Promise<AsyncDisposable & { address: string }> {
  const socket: Socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    if (isSilent) return
    const { id = 0, questions = [] } = decode(message)
    const [{ name, type } = { name: '', type: 'A' }] = questions
    const isKnown = name === 'seed.internal'
    socket.send(
      encode({
        type: 'response',
        id,
        flags: isKnown ? 0 : 3, // no such name
        questions,
        answers: isKnown && type === 'A' ? [{ type: 'A', name, ttl: 1, data: '10.1.1.1' }] : [],
      }),
      port,
      address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

test('the resolver of an entry is asked', async () => {
  await using dns = await startDns(false)

  const hosts = [`seed.internal:1@${dns.address}`, `other.internal@${dns.address}`]
  expect(await resolveHosts(hosts, '10.0.0.1:1')).toEqual([
    { host: hosts[0], addresses: ['10.1.1.1:1'], error: null },
    { host: hosts[1], addresses: [], error: 'has no address' },
  ])
})

test('a resolver that does not answer is given up after two seconds', async () => {
  await using dns = await startDns(true)
  const startedAt = performance.now()

  const [found] = await resolveHosts([`seed:1@${dns.address}`], '10.0.0.1:1')

  expect(found?.error).toBe(`${dns.address} did not answer in 2000 ms`)
  expect(performance.now() - startedAt).toBeLessThan(5000)
})

test('localhost is this machine', async () => {
  expect(await resolveHosts(['localhost:1'], '127.0.0.1:2')).toEqual([
    { host: 'localhost:1', addresses: ['127.0.0.1:1'], error: null },
  ])
})

test.each([
  ['seed', 'search a.local b.local', ['seed.a.local', 'seed.b.local', 'seed']],
  ['seed.corro', 'search a.local', ['seed.corro', 'seed.corro.a.local']],
  ['seed.corro', 'search a.local\noptions ndots:5', ['seed.corro.a.local', 'seed.corro']],
  ['seed.', 'search a.local', ['seed.']],
  ['seed', '# nothing', ['seed']],
])('%s is searched as %j says', (name, resolvConf, expected) => {
  expect(searched(name, resolvConf)).toEqual(expected)
})
