import type { QueryTable } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { type Answer, compareAnswers } from './queries.ts'

const table: QueryTable = { columns: ['a'], rows: [[1]], cut: null, tookMs: 1 }

function answered(nodeId: string): Answer {
  const result = { node_id: nodeId, table, freshness: null, error: null }
  return { result, failure: undefined }
}

function silent(nodeId: string): Answer {
  const failure = { code: 'unavailable' as const, message: 'not heard' }
  const result = { node_id: nodeId, table: null, freshness: null, error: failure.message }
  return { result, failure }
}

test('a node that did not answer is no difference, but nothing is equal without it', () => {
  const all = compareAnswers([answered('node1'), answered('node2')], undefined)
  const some = compareAnswers([answered('node1'), silent('node2'), answered('node3')], undefined)
  const one = compareAnswers([answered('node1'), silent('node2')], undefined)

  expect(all.comparison).toMatchObject({ is_equal: true, differing_rows: 0 })
  expect(some.comparison).toMatchObject({ is_equal: false, differing_rows: 0, equal_rows: 1 })
  expect(one).toEqual({ comparison: null, comparison_error: null })
})
