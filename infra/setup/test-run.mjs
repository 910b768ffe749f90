import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { runInPlace } from './command.mjs'
import { developmentAgent } from './find-agent.mjs'
import { root } from './places.mjs'
import { SetupError } from './setup-error.mjs'

// From jest's result to its end: what tests leave open would keep it, and a CI job, for ever.
const exitDeadlineMs = 10_000

/**
 * Brings in the real parts that tests need. One that cannot be had is named in
 * CORROPORT_TEST_MISSING, for the suites that need it to be skipped, unless CORROPORT_TEST_REQUIRE
 * names it.
 */
export async function ensureTestParts(parts, env) {
  const required = listOf(env.CORROPORT_TEST_REQUIRE)
  const unknown = required.find((name) => !(name in parts))
  if (unknown !== undefined) {
    throw new SetupError(
      `CORROPORT_TEST_REQUIRE names ${unknown}, which is no part of the tests.`,
      `use names of ${Object.keys(parts).join(', ')}.`,
    )
  }
  const missing = {}
  for (const [name, ensure] of Object.entries(parts)) {
    try {
      await ensure()
    } catch (error) {
      if (!(error instanceof SetupError) || required.includes(name)) throw error
      missing[name] = error
    }
  }
  return missing
}

/**
 * Runs jest on real agents, first the suites that fill the machine by themselves, and those that start
 * agents once more on development agents; with no real agent all on development agents. Ends with the
 * failed and the skipped tests, what is missing, and "N passed, N failed" of all.
 */
export async function runTests(node, args, missing, env) {
  const isWatching = args.some((arg) => arg.startsWith('--watch'))
  const onDevelopment = { CORROSION_BIN: developmentAgent.path }
  const first = missing.corrosion ? onDevelopment : {}
  const runs = [
    { name: 'alone', added: first },
    { name: 'others', added: first },
    ...(missing.corrosion ? [] : [{ name: 'again', added: onDevelopment }]),
  ]
  const summaries = []
  let exitCode = 0
  for (const { name, added } of isWatching ? [{ added: first }] : runs) {
    if (name === 'again') process.stdout.write('\nonce more, on development agents:\n')
    const given = {
      ...env,
      ...added,
      CORROPORT_TEST_MISSING: Object.keys(missing).join(','),
      CORROPORT_TEST_RUN: name,
    }
    // The arguments may name no suite of this run.
    const own = isWatching ? args : [...args, '--passWithNoTests']
    const run = await runJest(node, own, given, isWatching)
    summaries.push(summarise(run.result, root))
    exitCode = exitCode || run.exitCode
    if (run.exitCode > 128) break // ended by a signal
  }
  const summary = addUp(summaries)
  // A name pattern skips all the others, which nobody wants to read.
  if (args.some((arg) => /^(-t|--testNamePattern)/.test(arg))) summary.skipped = []
  process.stdout.write(formatSummary(summary, missing))
  return exitCode === 0 && (summary.failed > 0 || summary.passed === 0) ? 1 : exitCode
}

async function runJest(node, args, env, isWatching) {
  const folder = mkdtempSync(join(tmpdir(), 'corroport-test-'))
  const resultPath = join(folder, 'result.json')
  try {
    const jest = [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      '--config',
      join(root, 'jest.config.mjs'),
      '--json',
      '--outputFile',
      resultPath,
    ]
    const exitCode = await runInPlace(node, [...jest, ...args], {
      cwd: root,
      env,
      onStart: (child) => isWatching || endAfterResult(child, resultPath),
    })
    return { exitCode, result: readResult(resultPath) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function endAfterResult(child, resultPath) {
  const timer = setInterval(() => {
    const writtenAt = statSync(resultPath, { throwIfNoEntry: false })?.mtimeMs ?? Infinity
    if (Date.now() - writtenAt < exitDeadlineMs) return
    process.stderr.write('jest is ended: its tests left something open\n')
    child.kill('SIGKILL')
  }, 1000)
  child.once('exit', () => clearInterval(timer))
}

function readResult(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Jest said itself what stopped it: a bad argument, or a signal.
    return { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, testResults: [] }
  }
}

/** Counts of jest's own result; a suite that could not run counts as one failure. */
export function summarise(result, folder) {
  const suites = result.testResults.map(({ name, status, assertionResults }) => {
    const titlesOf = (wanted) =>
      assertionResults.filter((test) => test.status === wanted).map((test) => test.fullName)
    const file = relative(folder, name)
    return { file, status, failed: titlesOf('failed'), pending: titlesOf('pending') }
  })
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    failures: suites
      .filter(({ status }) => status === 'failed')
      .map(({ file, failed }) => ({ file, titles: failed })),
    skipped: suites
      .filter(({ pending }) => pending.length > 0)
      .map(({ file, pending }) => ({ file, titles: pending })),
  }
}

/** A test that fails, or is skipped, on both kinds of agents is named once. */
export function addUp(summaries) {
  return {
    passed: summaries.reduce((sum, { passed }) => sum + passed, 0),
    failed: summaries.reduce((sum, { failed }) => sum + failed, 0),
    failures: merge(summaries.flatMap(({ failures }) => failures)),
    skipped: merge(summaries.flatMap(({ skipped }) => skipped)),
  }
}

function merge(suites) {
  const titlesOf = new Map()
  for (const { file, titles } of suites) {
    titlesOf.set(file, [...new Set([...(titlesOf.get(file) ?? []), ...titles])])
  }
  return [...titlesOf].map(([file, titles]) => ({ file, titles }))
}

export function formatSummary({ passed, failed, failures, skipped }, missing) {
  const lines = ['']
  for (const { file, titles } of failures) {
    if (titles.length === 0) lines.push(`could not run: ${file}`)
    else lines.push(`failed in ${file}:`, ...titles.map((title) => `  ${title}`))
  }
  for (const { file, titles } of skipped) {
    lines.push(`skipped in ${file}:`, ...titles.map((title) => `  ${title}`))
  }
  for (const [name, error] of Object.entries(missing)) {
    lines.push(`not tested with ${name}: ${error.message}`, `  To do: ${error.remedy}`)
  }
  lines.push(`${passed} passed, ${failed} failed`)
  return `${lines.join('\n')}\n`
}

function listOf(text = '') {
  return text.split(',').filter((name) => name !== '')
}
