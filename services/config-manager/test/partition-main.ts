import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { partitionHealed, partitionSuspected } from '@corroport/contracts'
import { startNatsServer, startRealAgent, until } from '@corroport/testing'
import { startMembershipNode, toldOf } from './membership-node.ts'

// Runs in a network namespace of its own, since it bends how datagrams are routed.

const ip = (...words: string[]): void => void execFileSync('ip', words)

/** All UDP ports of a process. */
function udpPortsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  const sockets = new Set(
    readdirSync(folder).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? []
      } catch {
        return [] // closed meanwhile
      }
    }),
  )
  const lines = ['udp', 'udp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  )
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    const port = fields[1]?.split(':')[1]
    return port !== undefined && sockets.has(fields[9] ?? '') ? Number.parseInt(port, 16) : []
  })
}

ip('link', 'set', 'lo', 'up')
// Local addresses come before every other rule; here they must come after those of the cut.
ip('rule', 'add', 'pref', '100', 'lookup', 'local')
ip('rule', 'del', 'pref', '0')

await using nats = await startNatsServer()
const natsUrl = nats.url
await using agent1 = await startRealAgent()
await using agent2 = await startRealAgent({ bootstrap: [agent1.gossipAddr] })
await using agent3 = await startRealAgent({ bootstrap: [agent1.gossipAddr] })
await using node1 = await startMembershipNode({ nodeId: 'node1', natsUrl, agent: agent1 })
await using node2 = await startMembershipNode({ nodeId: 'node2', natsUrl, agent: agent2 })
await using node3 = await startMembershipNode({ nodeId: 'node3', natsUrl, agent: agent3 })
const links = () => [
  node1.linkTo('node3'),
  node2.linkTo('node3'),
  node3.linkTo('node1'),
  node3.linkTo('node2'),
]
await until(() => links().every((link) => link === 'ok') && node1.linkTo('node2') === 'ok')

const ports = [...new Set(udpPortsOf(agent3.pid))].map(String)
const cutAt = performance.now()
for (const port of ports) {
  ip('rule', 'add', 'pref', '10', 'ipproto', 'udp', 'sport', port, 'blackhole')
  ip('rule', 'add', 'pref', '11', 'ipproto', 'udp', 'dport', port, 'blackhole')
}
await until(() => links().every((link) => link === 'partitioned?'))
const seenMs = performance.now() - cutAt
const node1ToNode2 = node1.linkTo('node2')

const healedAt = performance.now()
for (const _ of ports) {
  ip('rule', 'del', 'pref', '10')
  ip('rule', 'del', 'pref', '11')
}
await until(() => links().every((link) => link === 'ok'))
const healMs = performance.now() - healedAt
const healed = await until(async () => {
  const { length } = await toldOf(node1.bus, partitionHealed)
  return length >= 4 && length
})
const suspected = (await toldOf(node1.bus, partitionSuspected)).length

process.stdout.write(JSON.stringify({ seenMs, node1ToNode2, healMs, suspected, healed }))
