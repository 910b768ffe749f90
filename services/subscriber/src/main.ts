import { nodeService, runServices } from '@corroport/node-process'
import { readConfig } from './config.ts'
import { startSubscriber } from './service.ts'

await runServices([nodeService('subscriber', readConfig, startSubscriber)], process.env)
