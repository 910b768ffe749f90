import { RoundTripsReply } from '@corroport/contracts'
import type { Views } from '@corroport/identity'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import { measureRoundTrips } from '../members/round-trips.ts'
import type { Members } from '../members/start-members.ts'
import { answeredBy, answers } from './responses.ts'

export interface RoundTripsDeps {
  config: Pick<Config, 'nodeId'>
  members: Pick<Members, 'current'>
  views: Pick<Views, 'all'>
}

export function registerRoundTrips(app: App, { config, members, views }: RoundTripsDeps): void {
  app.get(
    '/api/cluster/round-trips',
    { config: { access: 'viewer' }, schema: { response: answers(RoundTripsReply) } },
    async () => {
      const heard = views.all().map((one) => ({ view: one.view, ageMs: one.ageMs() }))
      return {
        ...(await measureRoundTrips(members.current().members, heard)),
        ...answeredBy(config.nodeId),
      }
    },
  )
}
