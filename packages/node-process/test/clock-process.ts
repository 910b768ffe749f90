// A process of one service that says how far its clock is from the machine's.
import { nowMicroseconds } from '@corroport/contracts'
import { readEnvironment } from '@corroport/service'
import { Type } from 'typebox'
import { nodeVariables, toNodeConfig } from '../src/node-config.ts'
import { nodeService, runServices } from '../src/run-services.ts'

const probe = nodeService(
  'probe',
  (environment) => toNodeConfig(readEnvironment(Type.Object(nodeVariables), environment)),
  (_, { log }) => {
    log.info({ aheadMs: Math.round(nowMicroseconds() / 1000 - Date.now()) }, 'clock read')
    return { async [Symbol.asyncDispose]() {} }
  },
)
await runServices([probe], process.env)
