import { expect, test } from '@jest/globals'
import { toClusterSettings } from './cluster-settings.ts'

test('without any variable everything is as usual', () => {
  expect(toClusterSettings({ PATH: '/bin' })).toEqual({
    settings: {
      discoveryType: 'static',
      declaredNodes: [],
      declaredAddresses: [],
      dnsHostname: undefined,
      heartbeatIntervalMs: 1000,
      heartbeatTimeoutMs: 3000,
      replicationFactor: undefined,
    },
    warnings: [],
  })
})

test('expected nodes are node ids or gossip addresses', () => {
  const { settings } = toClusterSettings({ CLUSTER_NODES: 'node1, 10.0.0.1:8787,[fd00::1]:8787,' })

  expect(settings.declaredNodes).toEqual(['node1'])
  expect(settings.declaredAddresses).toEqual(['10.0.0.1:8787', '[fd00::1]:8787'])
})

test.each([
  [{ CLUSTER_DISCOVERY_TYPE: 'epmd' }, 'epmd has no counterpart'],
  [{ CLUSTER_DISCOVERY_TYPE: 'consul' }, 'must be one of static, dns, registry'],
  [{ CLUSTER_DISCOVERY_TYPE: 'dns' }, 'CLUSTER_DNS_HOSTNAME is missing'],
  [{ CLUSTER_DNS_HOSTNAME: 'x.internal' }, 'CLUSTER_DNS_HOSTNAME has no use'],
  [{ CLUSTER_NODES: 'hex_hub1@127.0.0.1' }, 'is a name of an Erlang node'],
  [{ CLUSTER_NODES: 'no de' }, 'CLUSTER_NODES: "no de" is neither a node id nor host:port'],
  [{ CLUSTER_NODE: 'node1' }, 'CLUSTER_NODE is not known: did you mean CLUSTER_NODES?'],
  [{ CLUSTER_DISCOVERY: 'dns' }, 'did you mean CLUSTER_DISCOVERY_TYPE?'],
  [{ HEARTBEAT_INTERVAL: '499' }, 'at least 500 ms'],
  [{ HEARTBEAT_INTERVAL: '5000', HEARTBEAT_TIMEOUT: '10000' }, 'more than 2 ×'],
  [{ HEARTBEAT_INTERVAL: 'often' }, 'HEARTBEAT_INTERVAL'],
  [{ REPLICATION_FACTOR: '4' }, 'must be one of 1, 3, 5, not 4'],
  [{ REPLICATION_FACTOR: '0' }, 'must be one of 1, 3, 5, not 0'],
])('%j is refused', (environment, message) => {
  expect(() => toClusterSettings(environment)).toThrow(message)
})

test.each([
  [{ CLUSTERING_ENABLED: 'true' }, /^CLUSTERING_ENABLED has no effect: .*bootstrap/],
  [{ MNESIA_DIR: '/data' }, /^MNESIA_DIR has no effect: .*db.path/],
  [{ COOKIE: 'secret' }, /^COOKIE has no effect: .*gossip.tls/],
  [{ NODE_NAME: 'a' }, /^NODE_NAME has no effect: .*NODE_ID/],
  [{ RELEASE_NODE: 'a' }, /^RELEASE_NODE has no effect: .*NODE_ID/],
  [{ RELEASE_COOKIE: 'secret' }, /^RELEASE_COOKIE has no effect: .*gossip.tls/],
  [{ RELEASE_MODE: 'x' }, /^RELEASE_MODE has no effect/],
  [{ REPLICATION_FACTOR: '2' }, /taken as 3/],
  [
    { HEARTBEAT_INTERVAL: '1500', HEARTBEAT_TIMEOUT: '4000' },
    /same HEARTBEAT_TIMEOUT on every node/,
  ],
  [{ HEARTBEAT_TIMEOUT: '2100' }, /counts as lost before it is/],
  [{ HEARTBEAT_TIMEOUT: '30000' }, /others wait/],
])('%j is warned about', (environment, message) => {
  const { warnings } = toClusterSettings(environment)

  expect(warnings).toEqual([expect.stringMatching(message)])
  expect(warnings.join()).not.toContain('secret')
})

test('everything that does not fit is told at once', () => {
  const read = () =>
    toClusterSettings({ CLUSTER_NODE: 'x', REPLICATION_FACTOR: '7', HEARTBEAT_INTERVAL: '1' })

  expect(read).toThrow(/CLUSTER_NODE .*\n[^]*HEARTBEAT_INTERVAL .*\n[^]*REPLICATION_FACTOR /)
})
