import { expect, test } from '@jest/globals'
import { fileMode } from './file-mode.ts'

test.each([
  [0o100640, '-rw-r-----'],
  [0o100755, '-rwxr-xr-x'],
  [0o140600, 'srw-------'],
  [0o041777, 'drwxrwxrwt'],
  [0o104711, '-rws--x--x'],
  [0o102644, '-rw-r-Sr--'],
])('%o is %s', (mode, text) => {
  expect(fileMode(mode)).toBe(text)
})
