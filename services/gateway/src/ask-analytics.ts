import type { Bus } from '@corroport/bus'
import {
  experimentQueried,
  experimentsListed,
  fromTimestamp,
  type StoredEvent,
  storedEventsQueried,
} from '@corroport/contracts'
import { ProblemError, silentAnalytics } from './errors.ts'

export async function askForExperiment(bus: Bus, id: string) {
  return await bus.request(experimentQueried, {}, { id }).catch(silentAnalytics)
}

/** Experiments, the newest first. */
export async function askForList(bus: Bus, page: { limit: number; before?: string }) {
  if (page.before !== undefined && fromTimestamp(page.before) === undefined) {
    throw new ProblemError(400, 'before is a time that does not exist')
  }
  return await bus.request(experimentsListed, {}, page).catch(silentAnalytics)
}

/** The raw records of an experiment, page by page; from the first of a kind on, where one is named. */
export async function* storedEvents(bus: Bus, id: string, from?: StoredEvent['kind']) {
  let place: string | null | undefined = from && `${from}/`
  while (place !== null) {
    const page: { events: StoredEvent[]; next: string | null } = await bus
      .request(storedEventsQueried, {}, { id, ...(place === undefined ? {} : { after: place }) })
      .catch(silentAnalytics)
    yield page.events
    place = page.next
  }
}
