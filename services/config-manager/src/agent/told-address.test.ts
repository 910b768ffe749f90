import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { readToldAddress } from './told-address.ts'

const common = { logPath: undefined, stopTimeoutMs: 1000, startTimeoutMs: 1000 }

test('the address that the loop of a container has written is told', () => {
  using folder = createTemporaryFolder()
  writeFileSync(join(folder.path, 'address'), '10.9.8.7:8787\n')

  const control = { kind: 'pipe', controlDir: folder.path, ...common } as const
  expect(readToldAddress(control)).toBe('10.9.8.7:8787')
})

test('where no loop has written one, the file of the agent tells it', () => {
  using folder = createTemporaryFolder()

  const control = { kind: 'pipe', controlDir: folder.path, ...common } as const
  expect(readToldAddress(control)).toBeNull()
  expect(readToldAddress({ kind: 'none', ...common })).toBeNull()
})
