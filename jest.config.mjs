export default {
  testEnvironment: 'node',
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'esnext', experimental: { keepImportAttributes: true }, parser: { syntax: 'typescript', explicitResourceManagement: true } }, module: { type: 'es6' } }],
  },
  transformIgnorePatterns: ['/node_modules/'],
}
