import { suitesForBothKinds, suitesRunAlone, suitesUsing } from './infra/setup/suites.mjs'

// `npm test` names the real parts that it could not bring in, and says at its end what that left out.
const missing = (process.env.CORROPORT_TEST_MISSING ?? '').split(',').filter((name) => name !== '')
const leftOut = suitesUsing(missing, import.meta.dirname)
const run = process.env.CORROPORT_TEST_RUN
if (leftOut.length > 0 && run !== 'alone' && run !== 'again') {
  process.stderr.write(`left out without ${missing.join(' and ')}:\n  ${leftOut.join('\n  ')}\n`)
}

const all = ['**/*.test.ts']
const alone = suitesRunAlone(import.meta.dirname)
// `npm test` runs jest several times; by itself it runs everything.
const runs = {
  alone: { suites: alone, not: [] },
  others: { suites: all, not: alone },
  again: { suites: suitesForBothKinds(import.meta.dirname), not: [] },
}
const { suites, not } = runs[run] ?? { suites: all, not: [] }

export default {
  testEnvironment: 'node',
  // Each starts processes of its own: agents, nats-server, whole clusters.
  maxWorkers: 2,
  // A worker keeps every module it ever loaded: 2 GB at the end, too much to end in half a second.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 30_000,
  testMatch: suites.map((path) => `<rootDir>/${path}`),
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'esnext',
          experimental: { keepImportAttributes: true },
          parser: { syntax: 'typescript', explicitResourceManagement: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testPathIgnorePatterns: ['/node_modules/', ...leftOut, ...not],
  transformIgnorePatterns: ['/node_modules/'],
}
