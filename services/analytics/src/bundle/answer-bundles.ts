import { type Bus, RefusalError } from '@corroport/bus'
import { type Experiment, experimentImported, storedEventsQueried } from '@corroport/contracts'
import { DatabaseError } from 'pg'
import type { Logger } from 'pino'
import type { Db } from '../store/database.ts'
import { finishImport } from './finish-import.ts'
import { readEventPage } from './read-event-page.ts'
import { countStaged, pruneImports, stagePage } from './stage-page.ts'

/** Gives the raw records of an experiment, and takes those of one that was measured elsewhere. */
export function answerBundles(deps: { db: Db; bus: Bus; log: Logger }): AsyncDisposable {
  const { db, bus, log } = deps
  const stack = new AsyncDisposableStack()
  // Millions of records take longer than a request: who asks again waits without a connection.
  const finishing = new Map<string, Promise<Experiment>>()
  stack.use(bus.respond(storedEventsQueried, {}, ({ id, after }) => readEventPage(db, id, after)))
  stack.use(
    bus.respond(experimentImported, {}, async ({ isLast, by, ...request }) => {
      const { importId, page } = request
      try {
        if (page === 0) await pruneImports(db)
        await stagePage(db, request)
        const stored = await countStaged(db, importId)
        if (!isLast) return { stored, experiment: null }
        const experiment =
          finishing.get(importId) ??
          finishImport(db, { importId, lastPage: page, by }).finally(() => {
            finishing.delete(importId)
          })
        finishing.set(importId, experiment)
        const { id: experimentId } = await experiment
        log.info({ experimentId, events: stored, by }, 'experiment imported')
        return { stored, experiment: await experiment }
      } catch (error) {
        if (isDataException(error)) throw new RefusalError('invalid', error.message)
        throw error
      }
    }),
  )
  return stack
}

/** Class 22 of SQLSTATE: a value that no check found, and Postgres cannot hold. */
function isDataException(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code?.startsWith('22') === true
}
