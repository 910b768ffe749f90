import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { startNode, type TestNode } from './gossip-node.ts'

function count(node: TestNode, text: string): number {
  return node.lines.filter((line) => line.includes(text)).length
}

/** Sends the bytes and waits for the other side to end. */
async function knock(node: TestNode, bytes: Buffer | string, end = false): Promise<void> {
  const socket = connect(node.gossip.address)
  socket.on('error', () => {})
  socket.resume()
  if (end) socket.end(bytes)
  else socket.write(bytes)
  await once(socket, 'close')
}

test('agents of one secret meet; one without it, or with another, is named once', async () => {
  await using a = await startNode({ secret: 'apple' })
  await using b = await startNode({ secret: 'apple', bootstrap: [a.address] })
  await using none = await startNode({ bootstrap: [a.address] })
  await using wrong = await startNode({ secret: 'pear', bootstrap: [a.address] })

  await until(() => a.gossip.members().length === 1 && b.gossip.members().length === 1)
  a.insert(1)
  await until(() => b.ids().length === 1)
  await until(() => count(a, 'no gossip with a peer') === 2)
  await until(() => [none, wrong].every((node) => count(node, 'a link failed') >= 4))
  expect(count(a, 'no gossip with a peer')).toBe(2)
  const said = [none, wrong].map(({ lines }) => lines.filter((line) => line.includes('no gossip')))
  expect(said).toEqual([
    [expect.stringContaining('the other agent has a cluster secret, this one has none')],
    [expect.stringContaining('the cluster secrets differ')],
  ])
  expect(a.gossip.members()).toHaveLength(1)
  expect(none.gossip.members()).toEqual([])
  expect(none.ids()).toEqual([])
})

test('an agent of another cluster is left out until it has the same cluster id', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address], clusterId: 7 })
  await until(() => count(a, 'the cluster ids differ') > 0)
  await until(() => count(b, 'a link failed') >= 3)
  expect(count(a, 'no gossip with a peer')).toBe(1)
  expect(b.gossip.members()).toEqual([])

  b.gossip.setClusterId(0)

  await until(() => a.gossip.members().length === 1 && b.gossip.members().length === 1)
})

test('garbage on the port is closed with a line, and nothing else is disturbed', async () => {
  await using a = await startNode()
  await using b = await startNode({ bootstrap: [a.address] })
  await until(() => a.gossip.members().length === 1)
  const text = 'corroport-development-agent gossip 1'
  const falseHello = Buffer.concat([Buffer.from([0, 0, 0, 60, text.length]), Buffer.from(text)])

  await knock(a, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await knock(a, Buffer.from([0, 0, 0, 3, 1, 2, 3]))
  await knock(a, Buffer.alloc(8, 255))
  await knock(a, Buffer.from([0, 0, 0, 9, 1]), true)
  await knock(a, Buffer.concat([falseHello, Buffer.alloc(60)]))

  expect(count(a, 'a connection to the gossip port was closed')).toBe(1)
  a.insert(1)
  await until(() => b.ids().length === 1)
  expect(a.gossip.members()).toHaveLength(1)
})

test('what a real agent sends over QUIC is explained once', async () => {
  await using a = await startNode()
  const socket = createSocket('udp4')
  const initial = Buffer.alloc(1200)
  initial.writeUInt8(0xc3)
  initial.writeUInt32BE(1, 1)

  for (let times = 0; times < 3; times++) socket.send(initial, a.gossip.address.port, '127.0.0.1')
  await until(() => count(a, 'a real Corrosion agent knocks on the gossip port') > 0)

  socket.send(initial, a.gossip.address.port, '127.0.0.1')
  a.insert(1)
  expect(count(a, 'a real Corrosion agent knocks on the gossip port')).toBe(1)
  socket.close()
})

test('where only a QUIC server answers, the log says that the seed is a real agent', async () => {
  const real = createSocket('udp4')
  real.on('message', (packet, { port, address }) => {
    const answer = Buffer.from(packet.subarray(0, 23))
    answer.writeUInt32BE(0, 1)
    real.send(answer, port, address)
  })
  real.bind({ address: '127.0.0.1', port: 0 })
  await once(real, 'listening')

  await using a = await startNode({ bootstrap: [`127.0.0.1:${real.address().port}`] })

  await until(() => count(a, 'the bootstrap address is that of a real Corrosion agent') === 1)
  real.close()
})
