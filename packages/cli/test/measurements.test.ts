import { expect, test } from '@jest/globals'
import { corroport } from './corroport.ts'
import { answered, clocksReply, replyOf } from './experiment-answers.ts'
import { startGateway } from './gateway.ts'

test('clocks are shown with their bounds; one in alarm degrades', async () => {
  const reply = clocksReply()
  const alarm = { ...reply, clocks: [{ ...reply.clocks[0], state: 'alarm', offset_ms: 812.5 }] }
  await using gateway = await startGateway({ 'GET /api/clocks': [reply, alarm, reply] })

  const well = await corroport(['clocks', '--url', gateway.url])
  const ill = await corroport(['clocks', '--url', gateway.url])
  const history = await corroport(['clocks', '--of', 'node2', '--url', gateway.url])

  expect(well.stdout).toMatch(/node2 +ok +-0.21 ms +± 0.18 ms +1.4 ppm/)
  expect(ill.stdout).toMatch(/node2 +alarm +\+813 ms/)
  expect([well.code, ill.code]).toEqual([0, 4])
  expect(gateway.asked[2]?.line).toBe('GET /api/clocks?node=node2&hours=1')
  expect(history.stdout).toMatch(/2026-01-15T10:00:00.123456Z +-0.21 ms +± 0.18 ms +0.36 ms +8/)
})

test('propagation is asked page by page', async () => {
  const reply = { ...(replyOf('propagation') as object), ...answered }
  await using gateway = await startGateway({
    'GET /api/propagation': [{ ...reply, next: 'x' }, reply],
  })

  const ended = await corroport(['propagation', '--since', '30m', '--url', gateway.url])

  expect(gateway.asked.map(({ line }) => line)).toEqual([
    'GET /api/propagation?hours=0.5',
    'GET /api/propagation?hours=0.5&after=x',
  ])
  expect(ended.stdout.trim().split('\n')).toHaveLength(3)
  expect(ended.stdout).toMatch(/node_messages +node1 +node2 +412 +2.91 ms .* 40.00 ms\n/)
})

test('the ledger names what is missing', async () => {
  const reply = { ...(replyOf('ledger') as { streams: object[] }), ...answered }
  const missing = [{ from: 7, to: 9, reason: 'dropped by the stream before it was read' }]
  const many = { missing, missing_records: 12, missing_ranges: 8 }
  const short = { ...reply, streams: [{ ...reply.streams[0], ...many, ended: 'it went back' }] }
  await using gateway = await startGateway({ 'GET /api/analytics/ledger': [reply, short] })

  const whole = await corroport(['analytics', 'ledger', '--url', gateway.url])
  const gap = await corroport(['analytics', 'ledger', '--url', gateway.url])

  expect([whole.code, gap.code]).toEqual([0, 4])
  expect(gap.stdout).toContain(
    'RECORDS it went back\nRECORDS 7 older ranges missing\nRECORDS 7 to 9 missing: dropped by the stream before it was read\n',
  )
})

test('what a vacuum dropped is named', async () => {
  const reply = { ...(replyOf('vacuum') as object), ...answered }
  await using gateway = await startGateway({ 'POST /api/analytics/vacuum': reply })

  const ended = await corroport(['analytics', 'vacuum', '--url', gateway.url])

  expect(ended.code).toBe(0)
  expect(ended.stdout).toMatch(/partitions and \d+ rows dropped, older than \d+ days\n$/)
})

test('migrating needs to know the database, from the environment alone', async () => {
  const none = await corroport(['analytics', 'migrate'])
  const other = await corroport(['analytics', 'migrate'], {
    environment: { DATABASE_URL: 'mysql://user:secret@127.0.0.1/nothing' },
  })
  const environment = { DATABASE_URL: 'postgres://127.0.0.1:1/nothing' }
  const unreached = await corroport(['analytics', 'migrate'], { environment })

  expect(none).toEqual({ code: 2, stdout: '', stderr: 'corroport: DATABASE_URL is not set\n' })
  expect(other.code).toBe(2)
  expect(other.stderr).toBe('corroport: DATABASE_URL does not begin with postgres://\n')
  expect(unreached.code).toBe(1)
  expect(unreached.stderr).toMatch(/^corroport: not migrated: .*ECONNREFUSED.*\n$/)
})
