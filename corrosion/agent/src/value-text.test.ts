import { expect, test } from '@jest/globals'
import type { SqlValue } from './store/sql-value.ts'
import { valueText } from './value-text.ts'

test.each<[SqlValue, string]>([
  [null, 'null'],
  [-9223372036854775808n, '-9223372036854775808'],
  [0, '0.0'],
  [-0, '-0.0'],
  [1, '1.0'],
  [-1.5, '-1.5'],
  [1e15, '1000000000000000.0'],
  [1e16, '1e16'],
  [1.2345678901234568e17, '1.2345678901234568e17'],
  [2 ** 64, '1.8446744073709552e19'],
  [0.000020245, '0.000020245'],
  [0.00001, '0.00001'],
  [0.00000999, '9.99e-6'],
  [8e-8, '8e-8'],
  [5e-324, '5e-324'],
  [1.7976931348623157e308, '1.7976931348623157e308'],
  [Number.NaN, 'null'],
  [-Infinity, 'null'],
  ['te"xt\\\n\u0000\u001f\u007f\u2028é', '"te\\"xt\\\\\\n\\u0000\\u001f\u007f\u2028é"'],
  [Uint8Array.of(222, 173), '[222,173]'],
  [new Uint8Array(), '[]'],
])('%p is written %s', (value, text) => {
  expect(valueText(value)).toBe(text)
})
