import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import {
  type CommandDefinition,
  experimentQueried,
  type StoredEvent,
  storedEventsQueried,
} from '@corroport/contracts'
import { afterAll, beforeAll } from '@jest/globals'
import type { Static, TSchema } from 'typebox'
import { registerAggregation } from '../src/routes/aggregation.ts'
import { registerAnalytics } from '../src/routes/analytics.ts'
import { registerExperiments } from '../src/routes/experiments.ts'
import { registerMeasurements } from '../src/routes/measurements.ts'
import { asks } from '../src/service.ts'
import { announcementOf, newPeer, routesOfFile } from './harness.ts'

function fixtureOf(name: string) {
  const folder = join(import.meta.dirname, '../../../packages/contracts/fixtures')
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}

/** What the catalogue shows of a command. */
export function exampleOf<Q extends TSchema, R extends TSchema>(
  command: CommandDefinition<string, Q, R>,
): Static<R> {
  const name = command.template.split('.').at(-1)
  return command.parseReply(fixtureOf(`command-analytics-${name}`).reply)
}

export const stored: StoredEvent[] = [
  { kind: 'sent', event: fixtureOf('message-sent') },
  { kind: 'acked', event: fixtureOf('ack-received') },
  { kind: 'sample', event: fixtureOf('node-sampled') },
]

/** Routes of node1 about experiments and what analytics is asked by them, for all tests of a file. */
export function experimentRoutesOfFile() {
  const announcement = announcementOf(newPeer('node2'))
  const routes = routesOfFile((app, { bus, config }) => {
    registerExperiments(app, { bus, config, roster: { nodeIds: () => ['node1', 'node2'] } })
    registerMeasurements(app, { bus, config })
    registerAnalytics(app, { bus, config: { ...config, region: 'fra' } })
    registerAggregation(app, {
      bus,
      config,
      directory: {
        nodes: () => [{ announcement, actorIds: [], ageMs: () => 10 }],
        presence: () => 'present',
      },
    })
  })
  const asked: { command: string; request: unknown }[] = []
  const analytics = new AsyncDisposableStack()
  beforeAll(() => {
    const commands: readonly CommandDefinition[] = asks
    for (const command of commands) {
      if (!command.template.startsWith('corro.command.analytics.')) continue
      const answering = routes.bus.respond(command, {}, (request) => {
        asked.push({ command: command.template, request })
        return replyTo(command, request)
      })
      analytics.use(answering)
    }
  })
  afterAll(() => analytics.disposeAsync())
  return { routes, asked, analytics }
}

/** Analytics that knows every experiment but one, each with the same three records; of one it loses them. */
function replyTo(command: CommandDefinition, request: unknown): unknown {
  if (JSON.stringify(request).includes('"unknown"')) {
    throw new RefusalError('not-found', 'there is no experiment unknown')
  }
  if (command.template === experimentQueried.template) return foundBy(request)
  if (command.template !== storedEventsQueried.template) return exampleOf(command)
  const { id, after = '0' } = storedEventsQueried.parseRequest(request)
  if (id === 'broken' && after !== '0') throw new Error('postgres was lost')
  const place = after === 'sample/' ? 2 : Number(after)
  return { events: stored.slice(place, place + 1), next: place < 2 ? String(place + 1) : null }
}

/** One experiment has found its origin busy. */
function foundBy(request: unknown): unknown {
  const found = exampleOf(experimentQueried)
  const { id } = experimentQueried.parseRequest(request)
  if (id === 'broken') found.experiment.id = id
  const [share] = found.experiment.shares
  if (share && id === 'second') {
    share.state = 'lost'
    share.reason = 'what node1 sends belongs to e1'
  }
  return found
}
