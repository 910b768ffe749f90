import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { freePortOffset, requireFreePorts } from '../src/port-check.ts'
import { type WantedPort, wantedPorts } from '../src/ports.ts'

test('every port that is taken is named, with who wants it and who holds it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(socket, 'listening')])
  const address = server.address()
  const tcp = typeof address === 'object' ? (address?.port ?? 0) : 0
  const udp = socket.address().port

  const check = requireFreePorts([
    { port: tcp, protocol: 'tcp', wantedBy: 'agent API of node1' },
    { port: udp, protocol: 'udp', wantedBy: 'agent gossip of node1' },
  ])

  await expect(check).rejects.toThrow('2 ports are taken')
  await expect(check).rejects.toThrow(
    new RegExp(`${tcp}/tcp  agent API of node1: held by pid ${process.pid} \\(`),
  )
  await expect(check).rejects.toThrow(
    new RegExp(`${udp}/udp  agent gossip of node1: held by pid ${process.pid} \\(`),
  )
  server.close()
  socket.close()
})

test('a free offset has all its ports free', async () => {
  const offset = await freePortOffset(wantedAt)

  await expect(requireFreePorts(wantedAt(offset))).resolves.toBeUndefined()
})

function wantedAt(portOffset: number): WantedPort[] {
  return wantedPorts({
    nodes: 3,
    portOffset,
    hasNats: true,
    hasPostgres: false,
    hasAnalytics: false,
    hasEdge: false,
    hasBuilds: false,
    hasAgents: true,
    hasServices: true,
    isProcessPerService: true,
  })
}
