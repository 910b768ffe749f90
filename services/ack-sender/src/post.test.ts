import { expect, test } from '@jest/globals'
import { judge } from './post.ts'

const reply = JSON.stringify({
  status: 'acknowledged',
  message: 'stored',
  ack_node_id: 'node1',
  duplicate: true,
})

test.each([
  [200, reply, 'confirmed'],
  [200, '{}', 'delayed'],
  [204, '', 'delayed'],
  [301, '', 'delayed'],
  [400, '{}', 'refused'],
  [401, '{}', 'unreachable'],
  [403, '{}', 'refused'],
  [404, '{}', 'refused'],
  [409, '{}', 'delayed'],
  [422, '{}', 'refused'],
  [429, '{}', 'unreachable'],
  [500, 'oops', 'delayed'],
  [503, '{}', 'unreachable'],
])('an answer of %i with body %j means %s', (status, text, kind) => {
  expect(judge(status, text).kind).toBe(kind)
})

test('the reason of a refusal is what the origin says, within bounds', () => {
  const detail = 'x'.repeat(1000)

  expect(judge(422, '{"detail":"no such node"}')).toMatchObject({
    reason: 'answered 422: no such node',
  })
  expect(judge(422, '{"error":"no such node"}')).toMatchObject({
    reason: 'answered 422: no such node',
  })
  expect(judge(422, '<html>')).toMatchObject({ reason: 'answered 422' })
  expect(JSON.stringify(judge(422, JSON.stringify({ detail }))).length).toBeLessThan(400)
})
