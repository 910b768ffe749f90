import type { Bus } from '@corroport/bus'
import { nodeLostAfterMs, nodeQueried } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import type { Directory, Views } from '@corroport/identity'
import type { Config } from '../config.ts'
import { createAgentQuery } from './agent-query.ts'
import { createQueries, type Queries } from './queries.ts'

// A row above the limit of an answer is not kept in memory to find that out; a blob takes four
// characters a byte.
const longestRowBytes = 4 * 1024 * 1024

export interface StartQueriesDeps {
  config: Pick<Config, 'nodeId' | 'agent'>
  bus: Bus
  directory: Directory
  views: Pick<Views, 'get'>
}

/** Answers queries of this node's agent, and asks those of others. */
export function startQueries(deps: StartQueriesDeps): Queries & AsyncDisposable {
  const { config, bus, directory, views } = deps
  const { nodeId } = config
  const stack = new AsyncDisposableStack()
  const agent = stack.use(createCorrosionClient({ ...config.agent, maxLineBytes: longestRowBytes }))
  const queueSize = (): number | null => {
    const heard = views.get(nodeId)
    const isRecent = heard !== undefined && heard.ageMs() <= nodeLostAfterMs
    return isRecent ? (heard.view.replication?.queueSize ?? null) : null
  }
  const queryAgent = createAgentQuery({ agent, queueSize })
  stack.use(bus.respond(nodeQueried, { nodeId }, queryAgent))
  const queries = createQueries({ config, bus, directory, queryAgent })
  return { ...queries, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
