import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@corroport/bus'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import type { Db } from '../store/database.ts'
import { answerPropagation } from './answer-propagation.ts'
import type { Site } from './hour-figures.ts'
import { storeEndedHours } from './store-hours.ts'

const storeEveryMs = 10 * 60_000

/**
 * Sums up by hour how long rows of real traffic took from their writer to each node.
 *
 * Corrosion's own p99 lag stands beside it and differs: it is the receiver's clock less the writer's
 * without any correction, sampled since the agent's start, counts what a node fetched after an
 * absence, and ends when the agent has applied a change, not when somebody could see it.
 */
export function startPropagation(deps: {
  db: Db
  bus: Bus
  directory: Directory
  log: Logger
}): AsyncDisposable {
  const { db, bus, directory, log } = deps
  const stopping = new AbortController()
  const sites = (): Site[] => sitesOf(directory)
  const answering = answerPropagation({ db, bus, sites })

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const { hours } = await storeEndedHours(db, sites())
        if (hours.length > 0) log.info({ hours }, 'propagation stored')
      } catch (err) {
        log.warn({ err }, 'propagation not stored')
      }
      await wait(storeEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await answering[Symbol.asyncDispose]()
      await running
    },
  }
}

/** Of who announced itself; nothing in it comes from replicated rows. */
function sitesOf(directory: Directory): Site[] {
  return directory
    .nodes()
    .flatMap(({ announcement: { nodeId }, actorIds }) =>
      actorIds.map((actorId) => ({ site_id: actorId, origin: nodeId })),
    )
}
