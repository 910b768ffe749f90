import { MembersReply, NodeId, SightsReply } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Members } from '../members/start-members.ts'
import { answeredBy, answers } from './responses.ts'

export interface MembersRoutesDeps {
  config: Pick<Config, 'nodeId'>
  members: Pick<Members, 'current' | 'sightsOf'>
}

const Params = Type.Object({ id: NodeId })

export function registerMembers(app: App, { config, members }: MembersRoutesDeps): void {
  app.get(
    '/api/cluster/members',
    { config: { access: 'viewer' }, schema: { response: answers(MembersReply) } },
    () => members.current(),
  )

  app.get(
    '/api/cluster/members/:id/sights',
    { config: { access: 'viewer' }, schema: { params: Params, response: answers(SightsReply) } },
    ({ params: { id } }) => {
      const sights = members.sightsOf(id)
      if (!sights) throw new ProblemError(404, `there is no member ${id}`)
      return { seen_node_id: id, sights, ...answeredBy(config.nodeId) }
    },
  )
}
