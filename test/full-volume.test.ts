import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { unshareMounts } from '../infra/setup/own-network.mjs'

// The process that this one starts calls startCluster().
test('a node whose volume is full says what to do, ends nothing, and goes on by itself once there is room', async () => {
  const [program, ...args] = unshareMounts
  const main = join(import.meta.dirname, 'full-volume-main.ts')
  const child = spawn(program, [...args, process.execPath, main], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])

  expect(code).toBe(0)
  const outcome: unknown = JSON.parse(output)
  expect(outcome).toEqual({
    refusal: expect.stringMatching(/answered 503.*make room on the volume of its STATE_DIR/),
    miscounts: [],
    // A hint is not kept, and is not counted as acknowledged.
    unheard: { acks: [], missing: ['node1'] },
    hasEnded: [],
    deadLetters: 0,
  })
}, 240_000)
