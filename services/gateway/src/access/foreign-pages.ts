import type { FastifyRequest } from 'fastify'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * Keeps foreign web pages out. A name that is rebound to loopback still shows in `Host`; a page of
 * another origin shows in `Origin`. Without tokens these two are all that stands between them.
 */
export function refuseForeignPages(app: App): void {
  app.addHook('onRequest', async (request) => {
    const hosts = ownHosts(request)
    const host = request.headers.host
    if (host === undefined || !hosts.includes(host.toLowerCase())) {
      throw new ProblemError(421, `this is not ${host ?? 'a nameless host'}: ask ${hosts[0]}`)
    }
    if (request.method === 'GET' || request.method === 'HEAD') return
    const { origin } = request.headers
    if (origin !== undefined && !hosts.some((own) => origin.toLowerCase() === `http://${own}`)) {
      throw new ProblemError(403, 'a page of another origin may not change anything here')
    }
  })
}

function ownHosts(request: FastifyRequest): string[] {
  const port = request.socket.localPort ?? 0
  return loopbackNames.map((name) => (port === 80 ? name : `${name}:${port}`))
}
