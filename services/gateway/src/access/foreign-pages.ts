import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { isUnsafe } from './policy.ts'

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * Keeps foreign web pages out. A name that is rebound to this address still shows in `Host`; a page
 * of another origin shows in `Origin` or `Sec-Fetch-Site`. In open mode these are all that stands
 * between them.
 */
export function refuseForeignPages(app: App, access: Config['access']): void {
  app.addHook('onRequest', async (request) => {
    const hosts = ownHosts(request, access)
    const { host, origin } = request.headers
    if (host === undefined || !hosts.includes(host.toLowerCase())) {
      throw new ProblemError(421, `this is not ${host ?? 'a nameless host'}: ask ${hosts[0]}`)
    }
    const site = request.headers['sec-fetch-site']
    const isOfOtherPage = site === 'cross-site' || site === 'same-site'
    if (!isUnsafe(request)) {
      // Blind loads, such as an image whose address is a slow question. Links may lead here. The route
      // says what is meant, since an address can be spelled in several ways: /%61pi.
      const isOfApi = request.routeOptions.url?.startsWith('/api') === true
      if (isOfOtherPage && isOfApi && !isNavigation(request)) {
        throw new ProblemError(403, 'a page of another origin may not load this')
      }
      return
    }
    if (isOfOtherPage || (origin !== undefined && !isOwnOrigin(origin, hosts, access))) {
      throw new ProblemError(403, 'a page of another origin may not change anything here')
    }
  })
}

/** Whether a browser says that a page of this very origin asks. Its cookies do not say that. */
export function isFromOwnPage({ headers }: FastifyRequest): boolean {
  // A foreign origin was refused before.
  return headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin'
}

function isNavigation({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

function isOwnOrigin(
  origin: string,
  hosts: readonly string[],
  { publicUrl }: Config['access'],
): boolean {
  const given = origin.toLowerCase()
  return given === publicUrl?.origin || hosts.some((host) => given === `http://${host}`)
}

function ownHosts(
  { socket }: FastifyRequest,
  { names, authorities, publicUrl }: Config['access'],
): string[] {
  const port = socket.localPort ?? 0
  // The address that the connection came to, for probes and curl: a number cannot be rebound.
  const address = socket.localAddress?.replace(/^::ffff:/, '') ?? ''
  const all = [...loopbackNames, ...names, address.includes(':') ? `[${address}]` : address]
  return [
    ...(publicUrl ? publicHosts(publicUrl) : []),
    ...all.map((name) => (port === 80 ? name : `${name}:${port}`)),
    ...authorities,
  ]
}

/** A port that is published on this machine has all of its names. */
function publicHosts({ host, hostname, port }: URL): string[] {
  if (!loopbackNames.includes(hostname)) return [host]
  const others = loopbackNames.filter((name) => name !== hostname)
  return [host, ...others.map((name) => (port === '' ? name : `${name}:${port}`))]
}
