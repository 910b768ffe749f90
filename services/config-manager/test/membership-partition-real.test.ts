import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { unshareNetwork } from '../../../infra/setup/own-network.mjs'

// The process that this one starts calls startRealAgent() for each of its agents, in a network of
// its own, where what an agent sends can be dropped without a firewall.
test('gossip of a real agent is cut off from two others: all say so, and that it healed', async () => {
  const [program, ...args] = unshareNetwork
  const main = join(import.meta.dirname, 'partition-main.ts')
  const child = spawn(program, [...args, process.execPath, main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])

  const outcome: unknown = JSON.parse(output)
  expect(outcome).toMatchObject({ suspected: 4, healed: 4, node1ToNode2: 'ok' })
}, 120_000)
