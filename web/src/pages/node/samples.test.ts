import type { NodeSampled, StoredRecord } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { appendSamples, plot, toSamples } from './samples.ts'

function sample(at: string, cpuPercent: number | null = 1): NodeSampled {
  return {
    nodeId: 'node1',
    at: `2026-01-15T10:00:${at}.000000Z`,
    intervalMs: 5000,
    agent: {
      pid: 1,
      residentBytes: 1,
      cpuPercent,
      databaseBytes: 1,
      walBytes: 1,
      gaps: 0,
      p99LagSeconds: null,
      queueSize: 0,
      metrics: {},
    },
    services: { loopDelayP99Ms: 1, heapBytes: 1, residentBytes: 1, cpuPercent: 1 },
  }
}

function record(payload: unknown, violation: string | null = null): StoredRecord {
  return {
    stream: 'SAMPLES',
    sequence: 1,
    stored_at: '2026-01-15T10:00:00Z',
    subject: 'corro.node.sampled.node1',
    violation,
    payload,
  }
}

const cpu = [{ label: 'agent', of: ({ agent }: NodeSampled) => agent.cpuPercent }]

test('samples are put in order, and what fits no contract is left out', () => {
  const samples = toSamples([
    record(sample('10')),
    record({}, 'nodeId is missing'),
    record(sample('05')),
  ])
  expect(samples.map(({ at }) => at.slice(17, 19))).toEqual(['05', '10'])
})

test('a sample that came twice is there once, and what left the range is gone', () => {
  const [first, second, third] = [sample('00'), sample('05'), sample('10')]
  expect(appendSamples([first, second], [second, third], second.at)).toEqual([second, third])
})

test('a line breaks where samples are missing, and where a figure is not known', () => {
  const { x, series } = plot([sample('00'), sample('05', null), sample('40', 7)], cpu)
  const start = Date.parse('2026-01-15T10:00:00Z') / 1000
  expect(x).toEqual([start, start + 5, start + 6, start + 40])
  expect(series).toEqual([{ label: 'agent', values: [1, null, null, 7] }])
})
