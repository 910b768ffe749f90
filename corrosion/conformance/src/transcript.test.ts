import { expect, test } from '@jest/globals'
import { createMask, linesOf } from './transcript.ts'

test('what differs from run to run is hidden, and equal ids stay equal', () => {
  const mask = createMask()
  const [one, two] = [
    'af740a6f-5f26-4e5a-8d1d-5faba6f72e01',
    '9ff55279-d3a3-45ed-91c1-9678caa444f3',
  ]

  expect([one, two, one].map((id) => mask(`corro-query-id: ${id}`))).toEqual([
    'corro-query-id: <id 1>',
    'corro-query-id: <id 2>',
    'corro-query-id: <id 1>',
  ])
  expect(mask('{"eoq":{"time":7.309e-6,"change_id":0}}')).toBe(
    '{"eoq":{"time":<time>,"change_id":0}}',
  )
  expect(mask('{"ts":7710536469787589712,"rtts":[1,0],"ring":0}')).toBe(
    '{"ts":<ts>,"rtts":[<ms>],"ring":<now>}',
  )
  expect(mask('[9223372036854775807,-9223372036854775808]')).toBe(
    '[9223372036854775807,-9223372036854775808]',
  )
})

test('an answer shows all headers but the date, whether its length is right, and its last newline', () => {
  const headers = [
    ['date', 'now'],
    ['x-b', '1'],
    ['content-length', '4'],
  ] as const

  expect(linesOf({ status: 200, headers, body: 'a\nb' })).toEqual([
    '200',
    'content-length: 4, which is wrong',
    'x-b: 1',
    'a\\n',
    'b',
  ])
})
