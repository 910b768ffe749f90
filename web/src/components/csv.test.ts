import { expect, test } from '@jest/globals'
import { toCsv } from './csv.ts'

test.each([
  [['a', 1, null], 'a,1,\r\n'],
  [['say "hi", you'], '"say ""hi"", you"\r\n'],
  [['two\nlines'], '"two\nlines"\r\n'],
  [['=1+1', '+1', '-1', '@x', '\tx'], "'=1+1,'+1,'-1,'@x,'\tx\r\n"],
  [['＝1', '＋1', '－1', '＠x', '\n=1'], "'＝1,'＋1,'－1,'＠x,\"'\n=1\"\r\n"],
  [[-1.5, -9007199254740993n], '-1.5,-9007199254740993\r\n'],
  [[{ $integer: '9007199254740993' }], '"{""$integer"":""9007199254740993""}"\r\n'],
])('%p becomes %j', (row, line) => {
  expect(toCsv([row])).toBe(line)
})
