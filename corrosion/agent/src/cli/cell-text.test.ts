import { expect, test } from '@jest/globals'
import { parseKeepingNumbers } from '../admin/json-text.ts'
import { cellText } from './cell-text.ts'

// As the real query command printed them.
test.each([
  ['null', ''],
  ['"a|b"', 'a|b'],
  ['[0,255]', "x'00ff'"],
  ['[]', "x''"],
  ['2', '2'],
  ['9007199254740993', '9007199254740993'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['1.0', '1'],
  ['-0.0', '-0'],
  ['1e20', '100000000000000000000'],
  ['1.7976931348623157e308', `17976931348623157${'0'.repeat(292)}`],
  ['1e-7', '0.0000001'],
  ['-2.5e-9', '-0.0000000025'],
  ['0.30000000000000004', '0.30000000000000004'],
])('the value %s is printed as %s', (json, text) => {
  expect(cellText(parseKeepingNumbers(json))).toBe(text)
})
