import { ResetReply } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import type { Tracker } from '../tracker.ts'
import { answeredBy, answers } from './responses.ts'

export interface TrackingDeps {
  config: Pick<Config, 'nodeId'>
  tracker: Tracker
  log: Logger
}

export function registerTracking(app: App, { config, tracker, log }: TrackingDeps): void {
  app.post(
    '/api/tracking/reset',
    { config: { access: 'operator' }, schema: { response: answers(ResetReply) } },
    () => {
      const forgotten = tracker.reset()
      log.info({ forgotten }, 'tracking reset')
      return {
        status: 'success' as const,
        forgotten,
        ...answeredBy(config.nodeId),
      }
    },
  )
}
