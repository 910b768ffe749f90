import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { readConfig } from './config.ts'

const file = { EDGEPROXY_DB_PATH: 'routing.db' }

test('the files of the guide start: what has no meaning any more is a warning', () => {
  const { warnings, source, serve, region, api, dns, listeners } = readConfig({
    EDGEPROXY_REGION: 'sa',
    EDGEPROXY_LISTEN_ADDR: '0.0.0.0:8080',
    EDGEPROXY_CORROSION_ENABLED: 'true',
    EDGEPROXY_CORROSION_API_URL: 'http://localhost:8090',
    EDGEPROXY_CORROSION_POLL_SECS: '5',
    EDGEPROXY_BINDING_TTL_SECS: '600',
    EDGEPROXY_BINDING_GC_INTERVAL_SECS: '60',
    EDGEPROXY_DNS_ENABLED: '1',
    EDGEPROXY_DNS_LISTEN_ADDR: '0.0.0.0:5353',
    EDGEPROXY_REPLICATION_GOSSIP_INTERVAL_MS: '1000',
    EDGEPROXY_POOL_MAX_PER_BACKEND: '10',
    EDGEPROXY_LISTEN: '0.0.0.0:80',
  })
  expect(source).toEqual({ agent: { url: 'http://localhost:8090', bearerToken: undefined } })
  expect(listeners).toEqual([
    { app: undefined, host: '0.0.0.0', port: 8080, hasProxyHeader: false, tls: 'none' },
  ])
  expect([region, serve.balancer.ownRegion, serve.isOneApp]).toEqual(['sa', 0, true])
  expect(api).toEqual({ host: '127.0.0.1', port: 7081, token: undefined })
  expect(dns).toEqual({ host: '0.0.0.0', port: 5353 })
  expect(warnings).toEqual([
    'EDGEPROXY_BINDING_GC_INTERVAL_SECS has no meaning any more: the time of a binding is looked at when it is used',
    'EDGEPROXY_CORROSION_POLL_SECS has no meaning any more: changes are heard as they happen',
    'EDGEPROXY_LISTEN is not known',
    'EDGEPROXY_POOL_MAX_PER_BACKEND has no meaning any more: connections of clients are never shared',
    'EDGEPROXY_REPLICATION_GOSSIP_INTERVAL_MS has no meaning any more: Corrosion replicates: set AGENT_URL',
  ])
})

test('several listeners each have their app, and TLS comes beside them', () => {
  const { serve, listeners } = readConfig({
    ...file,
    EDGEPROXY_LISTENERS: 'web=0.0.0.0:80, game=[::]:81',
    EDGEPROXY_SNI_LISTEN_ADDR: '0.0.0.0:443',
    EDGEPROXY_SERVER_NAMES: 'shop.example.com=web',
    EDGEPROXY_PROXY_PROTOCOL_IN: '1',
  })
  const hasProxyHeader = true
  expect(listeners).toEqual([
    { app: 'web', host: '0.0.0.0', port: 80, hasProxyHeader, tls: 'none' },
    { app: 'game', host: '::', port: 81, hasProxyHeader, tls: 'none' },
    { app: undefined, host: '0.0.0.0', port: 443, hasProxyHeader, tls: 'pass' },
  ])
  expect([serve.isOneApp, serve.serverNames]).toEqual([false, { 'shop.example.com': 'web' }])
})

test('regions can be those of a file', () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'regions.json')
  writeFileSync(path, '{"north": "NO SE", "south": "ZA"}')

  const { serve } = readConfig({ ...file, EDGEPROXY_REGIONS_PATH: path, EDGEPROXY_REGION: 'south' })

  expect([serve.regionNames, serve.balancer.ownRegion]).toEqual([['north', 'south'], 1])
})

test.each([
  [{ EDGEPROXY_DB_PATH: undefined }, 'AGENT_URL is missing'],
  [{ EDGEPROXY_REGION: 'mars' }, 'EDGEPROXY_REGION=mars is none of sa, us, eu, ap'],
  [{ EDGEPROXY_REGIONS_PATH: '/nowhere' }, 'EDGEPROXY_REGIONS_PATH: ENOENT'],
  [{ EDGEPROXY_LISTEN_ADDR: '8080' }, 'EDGEPROXY_LISTEN_ADDR must match'],
  [{ EDGEPROXY_LISTEN_ADDR: '0.0.0.0:70000' }, '0.0.0.0:70000 is no host:port'],
  [{ EDGEPROXY_LISTENERS: '0.0.0.0:80' }, '0.0.0.0:80 should be name=value'],
  [{ EDGEPROXY_TLS_ENABLED: 'maybe' }, 'EDGEPROXY_TLS_ENABLED must match'],
  [{ EDGEPROXY_TLS_ENABLED: 'true' }, '0 certificates and 0 keys'],
  [{ EDGEPROXY_BINDING_TTL_SECS: 'ten' }, 'EDGEPROXY_BINDING_TTL_SECS must be number'],
  [{ EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/99' }, '127.0.0.0/99 is no network'],
  [{ EDGEPROXY_API_LISTEN_ADDR: '0.0.0.0:7081' }, 'set EDGEPROXY_API_TOKEN'],
  [{ EDGEPROXY_API_TOKEN: 'short' }, 'EDGEPROXY_API_TOKEN must match'],
  [{ METRICS_HOST: '0.0.0.0' }, 'set METRICS_TOKEN'],
])('%j is refused: %s', (wrong, message) => {
  expect(() => readConfig({ ...file, ...wrong })).toThrow(message)
})
