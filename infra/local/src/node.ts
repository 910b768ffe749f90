import { flushCompileCache } from 'node:module'
import { readConfig as readAckSender } from '@corroport/ack-sender/config.ts'
import { startAckSender } from '@corroport/ack-sender/service.ts'
import { readConfig as readConfigManager } from '@corroport/config-manager/config.ts'
import { startConfigManager } from '@corroport/config-manager/service.ts'
import { readConfig as readGateway } from '@corroport/gateway/config.ts'
import { startGateway } from '@corroport/gateway/service.ts'
import { nodeService, runServices } from '@corroport/node-process'
import { readConfig as readSubscriber } from '@corroport/subscriber/config.ts'
import { startSubscriber } from '@corroport/subscriber/service.ts'

/** Runs the services of one node in this process, until a signal. */
export async function runNode(environment: NodeJS.ProcessEnv): Promise<void> {
  // Now and not at the end, which may be a SIGKILL.
  flushCompileCache()
  await runServices(
    [
      nodeService('subscriber', readSubscriber, startSubscriber),
      nodeService('ack-sender', readAckSender, startAckSender),
      nodeService('gateway', readGateway, startGateway),
      // Last: it may first have to end a change that a killed process left half done.
      nodeService('config-manager', readConfigManager, startConfigManager),
    ],
    environment,
  )
}
