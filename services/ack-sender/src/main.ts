import { nodeService, runServices } from '@corroport/node-process'
import { readConfig } from './config.ts'
import { startAckSender } from './service.ts'

await runServices([nodeService('ack-sender', readConfig, startAckSender)], process.env)
