import { expect, test } from '@jest/globals'
import { addQuery, type PastQuery, readHistory } from './past-queries.ts'

test.each([
  ['nothing', ''],
  ['another kind', '{"a":1}'],
  ['entries of another form', '[null, 1, {"at":"x","query":{"sql":"a"}}, {"at":1,"query":{}}]'],
])('%s in the storage is no history', (_, text) => {
  expect(readHistory(text)).toEqual([])
})

test('a query comes back from the storage with its values, and with nothing else', () => {
  const query = {
    sql: 'SELECT :a',
    params: { a: { $integer: '9223372036854775807' } },
    nodes: 'all',
  }

  expect(readHistory(JSON.stringify([{ at: 1, query: { ...query, rows: -1, more: 1 } }]))).toEqual([
    { at: 1, query },
  ])
})

test('fifty are kept, the newest first, each once', () => {
  let history: PastQuery[] = []
  for (let at = 0; at < 60; at++)
    history = addQuery(history, { query: { sql: `SELECT ${at}` }, at })

  history = addQuery(history, { query: { sql: 'SELECT 30' }, at: 99 })

  expect(history).toHaveLength(50)
  expect(history.slice(0, 2)).toEqual([
    { query: { sql: 'SELECT 30' }, at: 99 },
    { query: { sql: 'SELECT 59' }, at: 59 },
  ])
})
