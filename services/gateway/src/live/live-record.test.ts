import { expect, test } from '@jest/globals'
import { toLiveRecord } from './live-record.ts'

const record = (subject: string, text: string) =>
  toLiveRecord({
    subject,
    text,
    messageId: null,
    stream: 'RECORDS',
    incarnation: '2026-01-15T10:00:00Z',
    sequence: 7,
    storedAt: '2026-01-15T10:00:00.000000Z',
  })

test('a record that fits no contract is shown with the reason, on one line', () => {
  expect(record('corro.ack.unheard-of.node1', '{\r\n"a":1}').frame('R.1')).toBe(
    `event: ack.unheard-of
id: R.1
data: {"subject":"corro.ack.unheard-of.node1","cursor":"R.1","at":"2026-01-15T10:00:00.000000Z","violation":"no event has this subject","payload":{"a":1}}

`,
  )
})

test('a subject with a line break in it adds no field to its event', () => {
  const frame = record('corro.ack.sent\rid: 0\r\rdata: {}', 'text').frame('R.1')

  expect(frame.split(/\r\n|\r|\n/).map((line) => line.split(':')[0])).toEqual([
    'event',
    'id',
    'data',
    '',
    '',
  ])
})
