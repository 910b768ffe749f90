import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { findNatsServer } from './find-nats-server.mjs'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corroport-nats-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function program(name: string, version: string): string {
  const path = join(folder, name, 'nats-server')
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho 'nats-server: v${version}'\n`)
  chmodSync(path, 0o755)
  return path
}

function find(env: NodeJS.ProcessEnv): { found: string | undefined; notes: string[] } {
  const notes: string[] = []
  const found = findNatsServer({ XDG_CACHE_HOME: folder, ...env }, (text: string) =>
    notes.push(text),
  )
  return { found, notes }
}

test('NATS_SERVER_BIN comes before PATH', () => {
  const named = program('named', '2.12.1')
  program('path', '2.14.9')

  const { found } = find({ NATS_SERVER_BIN: named, PATH: join(folder, 'path') })

  expect(found).toBe(named)
})

test('an old server on PATH is said and passed over', () => {
  const old = program('old', '2.9.10')
  const recent = program('recent', '2.10.0')

  const { found, notes } = find({ PATH: `${join(folder, 'old')}:${join(folder, 'recent')}` })

  expect(found).toBe(recent)
  expect(notes).toEqual([`${old} is no nats-server of 2.10 or later and is not used`])
})

test('an old server in NATS_SERVER_BIN is refused', () => {
  const named = program('named', '2.9.10')

  expect(() => find({ NATS_SERVER_BIN: named })).toThrow('not a nats-server of 2.10 or later')
})

test('a wrong NATS_SERVER_BIN is refused, though there is one on PATH', () => {
  program('path', '2.14.9')

  expect(() => find({ NATS_SERVER_BIN: '/nowhere', PATH: join(folder, 'path') })).toThrow(
    'NATS_SERVER_BIN is /nowhere',
  )
})
