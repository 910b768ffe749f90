import { MembersReply } from '@corroport/contracts'
import type { App } from '../http-server.ts'
import type { Members } from '../members/start-members.ts'
import { answers } from './responses.ts'

export function registerMembers(
  app: App,
  { members }: { members: Pick<Members, 'current'> },
): void {
  app.get(
    '/api/cluster/members',
    { config: { access: 'viewer' }, schema: { response: answers(MembersReply) } },
    () => members.current(),
  )
}
