import { expect, test } from '@jest/globals'
import { toCsv } from './csv.ts'

test.each([
  ['a', 'a'],
  ['', ''],
  [null, ''],
  [-1.5, '-1.5'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\n=1', '"\'\n=1"'],
  ['＝1+1', "'＝1+1"],
  ['\r=1', '"\'\r=1"'],
  ['=HYPERLINK("http://evil.example","x")', '"\'=HYPERLINK(""http://evil.example"",""x"")"'],
])('the cell %j becomes %j', (cell, field) => {
  expect(toCsv([[cell, 'end']])).toBe(`${field},end\r\n`)
})
