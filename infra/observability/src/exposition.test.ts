import { expect, test } from '@jest/globals'
import { readExposition } from './exposition.ts'

test('series are with their metric, without the labels that belong to its type', () => {
  const text = `# HELP a_seconds How long.
# TYPE a_seconds histogram
a_seconds_bucket{le="1",table="t"} 2
a_seconds_sum{table="t"} 0.5
# HELP b_total Says "much", and more.
# TYPE b_total counter
b_total{route="/a{b}",cause="it said \\"no\\""} 1
b_total 3
`

  expect(readExposition(text)).toEqual([
    {
      name: 'a_seconds',
      type: 'histogram',
      help: 'How long.',
      series: [{ table: 't' }, { table: 't' }],
    },
    {
      name: 'b_total',
      type: 'counter',
      help: 'Says "much", and more.',
      series: [{ route: '/a{b}', cause: 'it said \\"no\\"' }, {}],
    },
  ])
})

test('a series without a type is refused', () => {
  expect(() => readExposition('a_total 1\n')).toThrow('no type before a_total 1')
})
