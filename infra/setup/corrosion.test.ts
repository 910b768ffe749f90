import { expect, test } from '@jest/globals'
import { cratesOf } from './corrosion.mjs'

test.each([
  ['    Building [====>                 ] 312/623: serde, tokio', { done: 312, total: 623 }],
  ['   Compiling serde v1.0.219', undefined],
])('progress of cargo in %j', (line, figures) => {
  expect(cratesOf(line)).toEqual(figures)
})
