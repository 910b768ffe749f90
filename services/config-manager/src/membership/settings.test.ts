import { toClusterSettings } from '@corroport/node-process'
import { readEnvironment } from '@corroport/service'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { membershipVariables, toMembershipSettings } from './settings.ts'

const read = (environment: Record<string, string>) =>
  toMembershipSettings(
    readEnvironment(Type.Object(membershipVariables), environment),
    toClusterSettings(environment).settings,
  )

test('without variables nothing is declared, and canaries are touched every 2 s', () => {
  expect(read({})).toEqual({
    adminSocketPath: undefined,
    canaryIntervalMs: 2000,
    discovery: { type: 'static', nodes: [] },
  })
})

test('static nodes are node ids and gossip addresses', () => {
  const { discovery } = read({ CLUSTER_NODES: 'node1, fra-m2,10.0.0.3:8787,[fd00::4]:8787,' })

  expect(discovery).toEqual({
    type: 'static',
    nodes: [
      { nodeId: 'node1', address: null, region: null },
      { nodeId: 'fra-m2', address: null, region: 'fra' },
      { nodeId: null, address: '10.0.0.3:8787', region: null },
      { nodeId: null, address: '[fd00::4]:8787', region: null },
    ],
  })
})

test.each([
  ['_corrosion._udp.example', 'srv'],
  ['vms.farm.internal', 'txt'],
  ['farm.internal', 'a'],
])('%s is asked for %s', (hostname, kind) => {
  expect(
    read({ CLUSTER_DISCOVERY_TYPE: 'dns', CLUSTER_DNS_HOSTNAME: hostname }).discovery,
  ).toMatchObject({ hostname, kind, refreshMs: 5000 })
})

test('the kind that is set wins over the form of the name', () => {
  const { discovery } = read({
    CLUSTER_DISCOVERY_TYPE: 'dns',
    CLUSTER_DNS_HOSTNAME: 'farm.example',
    CLUSTER_DNS_KIND: 'txt',
    CLUSTER_DNS_SERVER: '[fd00::53]:53',
  })

  expect(discovery).toMatchObject({ kind: 'txt', server: '[fd00::53]:53' })
})

test('every variable that does not fit is named at once', () => {
  const bad = () =>
    read({
      CANARY_INTERVAL_MS: '50',
      CLUSTER_DNS_SERVER: 'dns:53',
    })

  expect(bad).toThrow(/CANARY_INTERVAL_MS: at least 1000/)
  expect(bad).toThrow(/CLUSTER_DNS_SERVER/)
})
