import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { digestOfWanted } from './node-modules.mjs'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corroport-modules-'))
  mkdirSync(join(folder, 'packages/a'), { recursive: true })
  write('package.json', { workspaces: ['packages/*', 'bench'] })
  write('packages/a/package.json', manifest)
  write('package-lock.json', { lockfileVersion: 3 })
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const manifest = { name: 'a', dependencies: { pino: '10.4.0' }, scripts: { go: 'true' } }

function write(path: string, content: object): void {
  writeFileSync(join(folder, path), JSON.stringify(content))
}

test('a changed script is no reason to install', () => {
  const before = digestOfWanted(folder)
  write('packages/a/package.json', { ...manifest, scripts: {} })

  expect(digestOfWanted(folder)).toBe(before)
})

test.each([
  ['a dependency', 'packages/a/package.json', { ...manifest, dependencies: { pino: '10.5.0' } }],
  ['a command', 'packages/a/package.json', { ...manifest, bin: { a: 'a.mjs' } }],
  ['the lock file', 'package-lock.json', { lockfileVersion: 4 }],
  ['the workspaces', 'package.json', { workspaces: ['packages/*'] }],
])('%s that changed is one', (_what, path, content) => {
  const before = digestOfWanted(folder)
  write(path, content)

  expect(digestOfWanted(folder)).not.toBe(before)
})
