import { suitesForBothKinds, suitesUsing } from './infra/setup/suites.mjs'

// `npm test` names the real parts that it could not bring in, and says at its end what that left out.
const missing = (process.env.CORROPORT_TEST_MISSING ?? '').split(',').filter((name) => name !== '')
const leftOut = suitesUsing(missing, import.meta.dirname)
if (leftOut.length > 0) {
  process.stderr.write(`left out without ${missing.join(' and ')}:\n  ${leftOut.join('\n  ')}\n`)
}

// After a run on real agents, those suites that run on both kinds.
const testMatch = process.env.CORROPORT_TEST_AGAIN
  ? suitesForBothKinds(import.meta.dirname).map((path) => `<rootDir>/${path}`)
  : ['**/*.test.ts']

export default {
  testEnvironment: 'node',
  // Each starts processes of its own: agents, nats-server, whole clusters.
  maxWorkers: 2,
  // A worker keeps every module it ever loaded: 2 GB at the end, too much to end in half a second.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 30_000,
  testMatch,
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
  testPathIgnorePatterns: ['/node_modules/', ...leftOut],
  transformIgnorePatterns: ['/node_modules/'],
}
