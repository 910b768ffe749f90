export * from './cluster.ts'
export { addLocalCommands } from './commands.ts'
export * from './lab.ts'
export { allocatorSettings, nodeFlags } from './services.ts'
