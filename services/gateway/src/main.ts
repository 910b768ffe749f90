import { nodeService, runServices } from '@corroport/node-process'
import { readConfig } from './config.ts'
import { startGateway } from './service.ts'

await runServices([nodeService('gateway', readConfig, startGateway)], process.env)
