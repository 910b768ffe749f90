import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { EnvironmentError, readEnvironment, secret } from './environment.ts'

const folder = createTemporaryFolder()
afterAll(() => folder[Symbol.dispose]())

const schema = Type.Object({
  PLAIN: Type.Optional(Type.String({ description: 'no secret' })),
  PASSWORD: secret(Type.String({ pattern: '^[a-z]+$' }), { description: 'of the user' }),
})

let files = 0
function file(text: string): string {
  const path = join(folder.path, `secret-${(files += 1)}`)
  writeFileSync(path, text)
  return path
}

function problemOf(environment: Record<string, string>): string {
  try {
    readEnvironment(schema, environment)
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message
    throw error
  }
  throw new Error('it was read')
}

test.each([
  ['hidden', 'hidden'],
  ['hidden\n', 'hidden'],
  ['hidden\r\n', 'hidden'],
])('a secret is what its file holds, less one newline: %j', (text, value) => {
  expect(readEnvironment(schema, { PASSWORD_FILE: file(text) })).toEqual({ PASSWORD: value })
})

test('a secret may still stand in its variable, and an empty variable is none', () => {
  expect(readEnvironment(schema, { PASSWORD: 'hidden' }).PASSWORD).toBe('hidden')
  const given = { PASSWORD: '', PASSWORD_FILE: file('hidden') }
  expect(readEnvironment(schema, given).PASSWORD).toBe('hidden')
})

test('only what is marked secret is looked for in a file', () => {
  const given = { PASSWORD: 'hidden', PLAIN_FILE: file('text') }

  expect(readEnvironment(schema, given)).toEqual({ PASSWORD: 'hidden' })
})

test.each([
  ['no file', () => join(folder.path, 'none'), /does not exist: mount the secret there, or set/],
  ['a folder', () => folder.path, /is a folder, .*: mount a file/],
  ['an empty file', () => file(''), /is empty: write the secret into it/],
  ['a newline', () => file('\n'), /is empty/],
  ['a device', () => '/dev/zero', /is not a plain file/],
  ['64 KiB and one', () => file('x'.repeat(65_537)), /has 65537 bytes, more than the 65536/],
  ['a path through a file', () => `${file('hidden')}/x`, /cannot be read \(ENOTDIR\)/],
])('%s is one line with variable, path, reason and what to do', (_, make, reason) => {
  const path = make()

  const problem = problemOf({ PASSWORD_FILE: path })

  expect(problem).toMatch(reason)
  expect(problem.startsWith(`PASSWORD_FILE=${path} `)).toBe(true)
  expect(problem).not.toContain('\n')
})

test('a file of 64 KiB is read', () => {
  const path = file('x'.repeat(65_536))

  expect(readEnvironment(schema, { PASSWORD_FILE: path }).PASSWORD).toHaveLength(65_536)
})

test('a secret given twice is refused', () => {
  const problem = problemOf({ PASSWORD: 'hidden', PASSWORD_FILE: file('other') })

  expect(problem).toBe('PASSWORD and PASSWORD_FILE are both set: leave one out')
})

test('no line shows a secret, wherever it stands', () => {
  for (const given of [{ PASSWORD: 'Sesame1' }, { PASSWORD_FILE: file('Sesame1') }]) {
    expect(problemOf(given)).toMatch(/^PASSWORD must match pattern .*: of the user$/)
    expect(problemOf(given)).not.toContain('Sesame')
  }
})

test('a file of somebody else is one line that names the user', () => {
  const path = file('hidden')
  chmodSync(path, 0)

  const problem = asSomebody(() => problemOf({ PASSWORD_FILE: path }))

  expect(problem).toMatch(/may not be read by user \d+: give it to that user/)
})

/** Root may read everything, so it becomes somebody else for a moment. */
function asSomebody<T>(work: () => T): T {
  if (process.getuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}

test('every bad variable is named at once', () => {
  const more = Type.Object({ ...schema.properties, PORT: Type.Integer({ description: 'a port' }) })
  mkdirSync(join(folder.path, 'made-by-docker'))
  const given = { PORT: 'x', PASSWORD_FILE: join(folder.path, 'made-by-docker') }

  expect(() => readEnvironment(more, given)).toThrow(/^PASSWORD_FILE=.*\nPORT must be integer.*$/s)
})
