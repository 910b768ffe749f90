import { describe, expect, test } from '@jest/globals'
import { readLogLine, showLogLine } from './log-lines.ts'

describe('readLogLine', () => {
  test('shows a line of a service with its fields', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-01-15T10:00:00.123Z',
      service: 'gateway',
      nodeId: 'node1',
      url: 'nats://x',
      attempts: 2,
      err: { type: 'Error', message: 'no route', stack: 'Error: no route\n at x' },
      msg: 'nats lost',
    })

    expect(readLogLine(line)).toEqual({
      severity: 'warn',
      text: '10:00:00.123 WARN  gateway nats lost url=nats://x attempts=2 error="no route"',
    })
  })

  test.each([
    ['2026-11-21T11:01:13.8Z  WARN klukai_agent::broadcast: tripped', 'warn'],
    ['2026-11-21T11:01:13.8Z  INFO corrosion::admin: done', 'info'],
    ['2026-11-21T11:01:13.8Z ERROR klukai_agent::transport: deadline', 'error'],
    ['[12] 2026/11/21 11:11:04.080020 [INF] Server is ready', 'info'],
    ['[12] 2026/11/21 11:11:04.080020 [FTL] bind: address already in use', 'error'],
    ['2026-11-21 21:29:14.978 UTC [8433] LOG:  shutting down', 'info'],
    ['2026-11-21 21:29:07.853 UTC [8444] ERROR:  duplicate key', 'error'],
    ['2026-11-21 21:29:07.853 UTC [8444] WARNING:  out of date', 'warn'],
    ['thread main panicked at src/main.rs', 'error'],
    ['{"level":"info","msg":"cut off', 'error'],
  ])('reads the level of %p', (line, severity) => {
    expect(readLogLine(line)).toEqual({ severity, text: line })
  })
})

test('control characters of a log never reach the terminal', () => {
  const line = readLogLine('{"level":"info","msg":"a\\u001b[2Jb"}')

  expect(showLogLine('node1', line, process.stdout)).not.toContain('\u001b[2J')
})
