import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { findProcess, isRunning, readPidFile, writePidFile } from './process-ref.ts'

test('a process that has another start is another process', () => {
  const self = findProcess(process.pid)

  expect(self && isRunning(self)).toBe(true)
  expect(isRunning({ pid: process.pid, startedAt: 'earlier' })).toBe(false)
})

test('a pid file names the process that has both its number and its start', () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'pid')
  const self = findProcess(process.pid)
  if (!self) throw new Error('this process was not found')
  expect(readPidFile(path)).toBeUndefined()

  writePidFile(path, self)
  expect(readPidFile(path)).toEqual(self)
  for (const [text, found] of [
    [`${process.pid}\n`, self],
    [`${process.pid}\n1\n`, undefined],
    ['none\n', undefined],
  ] as const) {
    writeFileSync(path, text)
    expect(readPidFile(path)).toEqual(found)
  }
})
