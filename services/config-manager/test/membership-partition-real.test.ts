import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'

const mostMs = 8000

// A network of its own, where what an agent sends can be dropped without a firewall.
const unshare = [process.getuid?.() === 0 ? '-n' : '-rn', '--']
const canCut =
  process.platform === 'linux' &&
  spawnSync('unshare', [...unshare, 'ip', 'link', 'set', 'lo', 'up']).status === 0

// The process that this one starts calls startRealAgent() for each of its agents.
test('gossip of a real agent is cut off from two others: all say so, and that it healed', async () => {
  if (!canCut) {
    console.warn('not tried: this machine gives no network namespace')
    return
  }
  const main = join(import.meta.dirname, 'partition-main.ts')
  const child = spawn('unshare', [...unshare, process.execPath, main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  console.log(output)

  const outcome = JSON.parse(output) as Record<string, unknown>
  expect(outcome).toMatchObject({ suspected: 4, healed: 4, node1ToNode2: 'ok' })
  expect(outcome.seenMs).toBeLessThan(mostMs)
}, 120_000)
