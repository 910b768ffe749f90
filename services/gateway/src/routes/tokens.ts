import { TokensReply } from '@corroport/contracts'
import type { Access } from '../access/start-access.ts'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers } from './responses.ts'

export interface TokensDeps {
  config: Pick<Config, 'nodeId'>
  access: Pick<Access, 'tokens'>
}

/** They are made and revoked over NATS alone, by `corroport token`. */
export function registerTokens(app: App, { config, access }: TokensDeps): void {
  app.get(
    '/api/tokens',
    { config: { access: 'admin' }, schema: { response: answers(TokensReply) } },
    () => ({
      tokens: access.tokens().map(({ sha256: _hash, ...token }) => token),
      ...answeredBy(config.nodeId),
    }),
  )
}
