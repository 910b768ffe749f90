import { agent } from './agent.ts'
import { builds } from './builds.ts'
import { cluster } from './cluster.ts'
import { toGrafana } from './dashboard.ts'
import { edge } from './edge.ts'
import { propagation } from './propagation.ts'
import { queue } from './queue.ts'

export const allDashboards = [cluster, propagation, agent, queue, edge, builds]

/** By the names of their files. */
export function dashboards(): Record<string, object> {
  return Object.fromEntries(allDashboards.map((each) => [`${each.uid}.json`, toGrafana(each)]))
}
