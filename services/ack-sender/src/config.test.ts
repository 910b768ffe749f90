import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { readConfig } from './config.ts'

const least = { NODE_ID: 'node1', STATE_DIR: '/tmp/node1', METRICS_PORT: '9441' }

test('what is not set has its default', () => {
  expect(readConfig(least)).toMatchObject({
    nodeId: 'node1',
    ackTimeoutMs: 2000,
    ackMaxAgeMs: 600_000,
    ackConcurrency: 8,
    receiptRetentionHours: 24,
    metricsPort: 9441,
    logLevel: 'info',
  })
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

test('the README has every variable with its default', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (?:`(.*?)`)? ?\|/gm)]
  const defaults = Object.fromEntries(rows.map(([, name, value]) => [name, value]))
  const config = readConfig(least)

  expect(defaults).toEqual({
    NODE_ID: undefined,
    NATS_URL: config.nats.url,
    NATS_USER: undefined,
    NATS_PASSWORD: undefined,
    STATE_DIR: undefined,
    ACK_TIMEOUT_MS: String(config.ackTimeoutMs),
    ACK_MAX_AGE_MS: String(config.ackMaxAgeMs),
    ACK_CONCURRENCY: String(config.ackConcurrency),
    RECEIPT_RETENTION_HOURS: String(config.receiptRetentionHours),
    METRICS_PORT: undefined,
    LOG_LEVEL: config.logLevel,
  })
})
