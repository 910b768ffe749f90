import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { developmentAgent, findAgent } from './find-agent.mjs'

let folder: string
let real: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corroport-setup-'))
  real = program('real', 'klukai 0.1.4')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('CORROSION_BIN goes before all others, and its version tells its kind', () => {
  expect(findAgent({ CORROSION_BIN: real })).toEqual({
    kind: 'real',
    path: real,
    version: 'klukai 0.1.4',
  })
})

test('a copy of the development agent is known by what it says', () => {
  const copy = program('copy', 'corrosion 9 (CorroPort development agent, not for production)')

  expect(findAgent({ CORROSION_BIN: copy }).kind).toBe('development')
})

test('a development agent can be forced beside a real one', () => {
  expect(findAgent({ CORROSION_BIN: real }, 'development')).toEqual(developmentAgent)
})

test('a real agent that is wanted and not there is an error, with the way to get one', () => {
  const { path } = developmentAgent

  expect(() => findAgent({ CORROSION_BIN: path }, 'real')).toThrow(
    `CORROSION_BIN is ${path}, a dev`,
  )
})

test('the development agent says what it is through a link as well', () => {
  const link = join(folder, 'linked')
  symlinkSync(developmentAgent.path, link)

  expect(findAgent({ CORROSION_BIN: link })).toMatchObject({ kind: 'development', path: link })
})

test.each([
  ['which is no program', '/nowhere/corrosion', 'is not a program that can be run'],
  ['which does not run', 'broken', 'does not run'],
])('CORROSION_BIN %s is an error, never a reason to look further', (_, name, message) => {
  const path = name === 'broken' ? program('broken', undefined) : name

  expect(() => findAgent({ CORROSION_BIN: path })).toThrow(message)
})

function program(name: string, says: string | undefined): string {
  const path = join(folder, name, 'corrosion')
  mkdirSync(join(folder, name))
  writeFileSync(path, `#!/bin/sh\n${says === undefined ? 'exit 1' : `echo '${says}'`}\n`)
  chmodSync(path, 0o755)
  return path
}
