export * from './directory.ts'
export * from './node-key.ts'
export * from './views.ts'
