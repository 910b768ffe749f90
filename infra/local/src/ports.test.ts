import { expect, test } from '@jest/globals'
import { natsPortsOf, portsOf, wantedPorts } from './ports.ts'

const everything = {
  nodes: 10,
  portOffset: 0,
  hasNats: true,
  hasPostgres: true,
  hasAnalytics: true,
  hasEdge: true,
  hasBuilds: true,
  hasAgents: true,
  hasServices: true,
  isProcessPerService: true,
}

test('ports follow the number of the node', () => {
  expect(portsOf(2)).toEqual({
    api: 4002,
    peer: 5002,
    agentApi: 8082,
    gossip: 8788,
    agentMetrics: 9502,
    gateway: 9402,
    subscriber: 9422,
    'ack-sender': 9442,
    'config-manager': 9462,
    edge: 7002,
    edgeApi: 7102,
    edgeMetrics: 9482,
  })
  expect(natsPortsOf()).toEqual({ client: 4222, monitoring: 8222 })
})

test('an offset moves every port', () => {
  const { api, gossip } = portsOf(1, 10_000)

  expect([api, gossip, natsPortsOf(10_000).client]).toEqual([14_001, 18_787, 14_222])
})

test('no two parts of ten nodes want the same port', () => {
  const ports = wantedPorts(everything).map(({ port, protocol }) => `${port}/${protocol}`)

  expect(new Set(ports).size).toBe(ports.length)
  expect(ports).toHaveLength(6 + 10 * 13)
})

test('gossip is UDP or TCP, and only what runs is wanted', () => {
  const wanted = wantedPorts({
    ...everything,
    nodes: 1,
    hasNats: false,
    hasPostgres: false,
    hasServices: false,
    hasAnalytics: false,
    hasEdge: false,
    hasBuilds: false,
  })

  expect(wanted).toEqual([
    { port: 8081, protocol: 'tcp', wantedBy: 'agent API of node1' },
    { port: 8787, protocol: 'udp', wantedBy: 'agent gossip of node1' },
    { port: 8787, protocol: 'tcp', wantedBy: 'agent gossip of node1' },
    { port: 9501, protocol: 'tcp', wantedBy: 'agent metrics of node1' },
  ])
})

test('one process per node needs no ports for its services apart', () => {
  const wanted = wantedPorts({
    ...everything,
    nodes: 1,
    hasNats: false,
    hasPostgres: false,
    hasAgents: false,
    hasAnalytics: false,
    hasEdge: false,
    hasBuilds: false,
    isProcessPerService: false,
  })

  expect(wanted.map(({ port }) => port)).toEqual([4001, 5001, 9401])
})
