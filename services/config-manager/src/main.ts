import { nodeService, runServices } from '@corroport/node-process'
import { readConfig } from './config.ts'
import { startConfigManager } from './service.ts'

await runServices([nodeService('config-manager', readConfig, startConfigManager)], process.env)
