export * from './cluster-settings.ts'
export * from './node-config.ts'
export * from './run-services.ts'
