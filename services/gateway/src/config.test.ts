import { expect, test } from '@jest/globals'
import { readConfig } from './config.ts'

const environment = {
  NODE_ID: 'node1',
  AGENT_URL: 'http://127.0.0.1:8081',
  STATE_DIR: '/tmp/node1',
  API_PORT: '4001',
  PEER_PORT: '5001',
  METRICS_PORT: '9401',
}

test('what is not given has its default', () => {
  expect(readConfig(environment)).toMatchObject({
    region: 'local',
    nats: { url: 'nats://127.0.0.1:4222' },
    api: { host: '127.0.0.1', port: 4001 },
    peer: { host: '127.0.0.1', port: 5001, endpoint: '127.0.0.1:5001' },
    declaredNodes: [],
    messageRetentionHours: 24,
    trackedMessages: 100_000,
    logLevel: 'info',
  })
})

test('declared nodes are a list, an IPv6 address is an endpoint', () => {
  const config = readConfig({
    ...environment,
    CLUSTER_NODES: 'node1, node2,',
    PEER_HOST: 'fd00::1',
  })

  expect(config.declaredNodes).toEqual(['node1', 'node2'])
  expect(config.peer.endpoint).toBe('[fd00::1]:5001')
})

test.each([
  [{ NODE_ID: 'node.1' }, 'NODE_ID'],
  [{ NODE_ID: 'node*' }, 'NODE_ID'],
  [{ API_PORT: '70000' }, 'API_PORT'],
  [{ STATE_DIR: undefined }, 'STATE_DIR is missing'],
  [{ CLUSTER_NODES: 'node1,no de' }, 'CLUSTER_NODES: "no de"'],
  [{ NATS_MONITOR_URL: '127.0.0.1:8222' }, 'NATS_MONITOR_URL'],
  [{ API_HOST: '0.0.0.0', ACCESS: 'open' }, 'ACCESS=open lets whoever reaches API_HOST=0.0.0.0'],
  [{ API_HOST: '127.0.0.1.example.com', ACCESS: 'open' }, 'ACCESS=open'],
  [{ PUBLIC_URL: 'https://console.example.com', ACCESS: 'open' }, 'ACCESS=open'],
  [{ PUBLIC_URL: 'https://console.example.com/path' }, 'PUBLIC_URL'],
  [{ PUBLIC_URL: 'https://user@console.example.com' }, 'PUBLIC_URL'],
  [{ ACCESS: 'closed' }, 'ACCESS'],
  [{ READ_ONLY: 'yes' }, 'READ_ONLY'],
])('%j is refused', (change, message) => {
  expect(() => readConfig({ ...environment, ...change })).toThrow(message)
})

test('the peer API may listen anywhere', () => {
  expect(readConfig({ ...environment, PEER_HOST: '0.0.0.0' }).peer.host).toBe('0.0.0.0')
})

test.each([
  [{}, { mode: 'open', isExposed: false }],
  [{ API_HOST: '::1' }, { mode: 'open', isExposed: false }],
  [{ ACCESS: 'tokens' }, { mode: 'tokens', isExposed: false }],
  [{ API_HOST: '0.0.0.0' }, { mode: 'tokens', isExposed: true, names: [] }],
  [{ API_HOST: 'fd00::1' }, { mode: 'tokens', isExposed: true, names: ['[fd00::1]'] }],
  // A proxy before an open gateway would open it to everybody.
  [{ PUBLIC_URL: 'https://console.example.com' }, { mode: 'tokens', isExposed: true }],
  [{ PUBLIC_URL: 'http://localhost:8000' }, { mode: 'open', isExposed: false }],
])('%j asks for tokens where others reach it', (change, access) => {
  expect(readConfig({ ...environment, ...change }).access).toMatchObject(access)
})
