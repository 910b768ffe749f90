import { ClusterStatus } from '@corroport/contracts'
import type { App } from '../http-server.ts'
import type { Status } from '../status/start-status.ts'
import { answers } from './responses.ts'

/** Always 200 while the process works: how the cluster is stands in the answer. */
export function registerStatus(app: App, { status }: { status: Pick<Status, 'current'> }): void {
  app.get(
    '/api/cluster/status',
    { config: { access: 'viewer' }, schema: { response: answers(ClusterStatus) } },
    () => status.current(),
  )
}
