import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createMetrics } from '@corroport/service'
import { startCorrosionAgent } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { createCanaries } from '../src/membership/canary.ts'
import { createCanaryMetrics } from '../src/membership/metrics.ts'

const log = pino({ level: 'silent' })
const { signal } = new AbortController()

test('canaries of others are timed when they come, by the time that stands in them', async () => {
  await using agent = await startCorrosionAgent()
  await using client = createCorrosionClient({ url: agent.url })
  const came: number[] = []
  const onCame = (afterSeconds: number) => came.push(afterSeconds)
  const canaries = createCanaries({ nodeId: 'node1', agent: client, log, onCame })
  let sequence = 0
  const lookAfter = async (at: string) => {
    sequence += 1
    await client.transact([
      [
        `INSERT INTO node_canaries (node_id, sequence, at) VALUES ('node2', ?1, ?2)
         ON CONFLICT (node_id) DO UPDATE SET sequence = ?1, at = ?2`,
        [sequence, at],
      ],
    ])
    await canaries.look(signal)
    return came.splice(0)
  }
  const ago = (seconds: number) => toTimestamp(nowMicroseconds() - seconds * 1e6)

  expect(await lookAfter(ago(0))).toEqual([]) // there from before
  const [late = 0] = await lookAfter(ago(60))
  expect(late).toBeGreaterThanOrEqual(60)
  const [early = 0] = await lookAfter(ago(-60))
  expect(early).toBeLessThan(0)
  expect(await lookAfter('yesterday')).toEqual([])
  await canaries.look(signal)
  await canaries.touch()
  await canaries.look(signal)
  expect(came).toEqual([])

  await agent.kill('SIGKILL')
  await canaries.look(signal)
  await agent.start()
  expect(await lookAfter(ago(60))).toEqual([]) // it may have come in the meantime
})

test('canaries from the future are counted apart', async () => {
  const registry = createMetrics()
  const metrics = createCanaryMetrics(registry)

  metrics.came(0.7)
  metrics.came(-0.4)

  const text = await registry.metrics()
  expect(text).toContain('corro_canary_seconds_count 1')
  expect(text).toContain('corro_canary_seconds_bucket{le="1"} 1')
  expect(text).toContain('corro_canary_negative_total 1')
})
