export * from './pool.ts'
export * from './tables.ts'
