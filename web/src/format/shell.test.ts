import { expect, test } from '@jest/globals'
import { shellCommand } from './shell.ts'

test.each([
  ['plain-1.2/3@x', 'plain-1.2/3@x'],
  ['', "''"],
  ["it's", `'it'\\''s'`],
  ['a "quoted" $HOME `id` \\ !', `'a "quoted" $HOME \`id\` \\ !'`],
  ['two\nlines', "'two\nlines'"],
  ['corro.>', "'corro.>'"],
  ['ü 😀', "'ü 😀'"],
])('%j is one word for a shell', (text, quoted) => {
  expect(shellCommand(['printf', text])).toBe(`printf ${quoted}`)
})
