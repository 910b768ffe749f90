export * from './cluster.ts'
export { addLocalCommands } from './commands.ts'
export { Part } from './part.ts'
export { type NodePorts, natsPortsOf, portsOf, type ServiceName, serviceNames } from './ports.ts'
