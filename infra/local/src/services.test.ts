import { expect, test } from '@jest/globals'
import { createLayout } from './layout.ts'
import { nodeEnvironment } from './services.ts'

test.each([
  ['nats://127.0.0.1:4322', 'http://127.0.0.1:8322'],
  ['nats://nats.example:4222', undefined],
])('where %s is monitored is told as %j', (natsUrl, monitorUrl) => {
  const settings = { nodes: 1, portOffset: 100, regions: [], clockOffsetsMs: {}, natsUrl }

  const { NATS_MONITOR_URL } = nodeEnvironment(createLayout(), 1, settings)

  expect(NATS_MONITOR_URL).toBe(monitorUrl)
})
