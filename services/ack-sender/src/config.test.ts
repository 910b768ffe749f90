import { expect, test } from '@jest/globals'
import { readConfig } from './config.ts'

const least = { NODE_ID: 'node1', STATE_DIR: '/tmp/node1', METRICS_PORT: '9441' }

test('what is not set has its default', () => {
  expect(readConfig(least)).toMatchObject({
    nodeId: 'node1',
    heartbeatTimeoutMs: 3000,
    ackTimeoutMs: 2000,
    ackMaxAgeMs: 600_000,
    ackConcurrency: 8,
    receiptRetentionHours: 24,
    metricsPort: 9441,
    logLevel: 'info',
  })
})

test('a heartbeat is checked as on the whole cluster', () => {
  expect(readConfig({ ...least, HEARTBEAT_TIMEOUT: '5000' }).heartbeatTimeoutMs).toBe(5000)
  expect(() => readConfig({ ...least, HEARTBEAT_TIMEOUT: '1500' })).toThrow('more than 2 ×')
})

test('every variable that does not fit is named at once', () => {
  const bad = { NODE_ID: 'node.*', ACK_CONCURRENCY: '0', ACK_TIMEOUT_MS: 'soon', METRICS_PORT: '1' }
  let message = ''
  try {
    readConfig(bad)
  } catch (error) {
    message = String(error)
  }

  for (const name of ['NODE_ID', 'ACK_CONCURRENCY', 'ACK_TIMEOUT_MS', 'STATE_DIR']) {
    expect(message).toContain(name)
  }
  expect(message).not.toContain('METRICS_PORT')
})
