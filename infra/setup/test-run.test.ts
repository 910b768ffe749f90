import { describe, expect, test } from '@jest/globals'
import { SetupError } from './setup-error.mjs'
import { addUp, ensureTestParts, formatSummary, summarise } from './test-run.mjs'

const failures = [
  { file: 'packages/a/a.test.ts', titles: ['a waits'] },
  { file: 'packages/b/b.test.ts', titles: [] },
]
const result = {
  numPassedTests: 5,
  numFailedTests: 1,
  numRuntimeErrorTestSuites: 1,
  testResults: [
    {
      name: '/clone/packages/a/a.test.ts',
      status: 'failed',
      assertionResults: [
        { status: 'passed', fullName: 'a works' },
        { status: 'failed', fullName: 'a waits' },
        { status: 'pending', fullName: 'a replicates' },
      ],
    },
    { name: '/clone/packages/b/b.test.ts', status: 'failed', assertionResults: [] },
    { name: '/clone/packages/c/c.test.ts', status: 'passed', assertionResults: [] },
  ],
}

describe('the summary of a test run', () => {
  test('counts a suite that could not run as a failure', () => {
    expect(summarise(result, '/clone')).toEqual({
      passed: 5,
      failed: 2,
      failures,
      skipped: [{ file: 'packages/a/a.test.ts', titles: ['a replicates'] }],
    })
  })

  test('adds up the runs on both kinds of agents, and names each test once', () => {
    const summary = summarise(result, '/clone')

    expect(addUp([summary, { ...summary, passed: 2, failed: 1 }])).toEqual({
      passed: 7,
      failed: 3,
      failures,
      skipped: [{ file: 'packages/a/a.test.ts', titles: ['a replicates'] }],
    })
  })

  test('names what failed, was skipped and is missing before its last line', () => {
    const missing = { corrosion: new SetupError('There is no agent.', 'install Rust.') }

    expect(formatSummary(summarise(result, '/clone'), missing)).toBe(`
failed in packages/a/a.test.ts:
  a waits
could not run: packages/b/b.test.ts
skipped in packages/a/a.test.ts:
  a replicates
not tested with corrosion: There is no agent.
  To do: install Rust.
5 passed, 2 failed
`)
  })
})

describe('a real part that cannot be had', () => {
  const absent = new SetupError('There is no agent.', 'install Rust.')
  const parts = { nats: () => undefined, corrosion: () => Promise.reject(absent) }

  test('is reported as missing', async () => {
    await expect(ensureTestParts(parts, {})).resolves.toEqual({ corrosion: absent })
  })

  test('is a failure where it is required', async () => {
    const env = { CORROPORT_TEST_REQUIRE: 'nats,corrosion' }

    await expect(ensureTestParts(parts, env)).rejects.toBe(absent)
  })

  test('a required part of no such name is a failure', async () => {
    const env = { CORROPORT_TEST_REQUIRE: 'corosion' }

    await expect(ensureTestParts(parts, env)).rejects.toThrow('names corosion')
  })
})
