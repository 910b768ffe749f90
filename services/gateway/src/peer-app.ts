import { type App, createHttpServer } from './http-server.ts'
import { type AcknowledgementDeps, registerAcknowledgements } from './routes/acknowledgements.ts'

const bodyLimit = 16 * 1024

/** What other nodes may reach: signed acknowledgements and a sign of life, nothing else. */
export function createPeerApp(deps: AcknowledgementDeps): App {
  const app = createHttpServer({ ...deps, bodyLimit })
  registerAcknowledgements(app, deps)
  return app
}
