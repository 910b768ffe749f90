import { expect, test } from '@jest/globals'
import { metricNamesIn } from './expression.ts'

test.each([
  ['up{job="corroport"} == 0', ['up']],
  ['sum by (node, le) (rate(a_bucket{node=~"b"}[5m])) / 1e9 > 0.05', ['a_bucket']],
  ['a unless on (node) b or c offset 10m', ['a', 'b', 'c']],
  ['label_replace(a, "b", "c", "", "d")', ['a']],
  ['a{b="x{y}"} + a', ['a']],
  ['vector(0)', []],
])('%s asks for %j', (expression, names) => {
  expect(metricNamesIn(expression)).toEqual(names)
})
