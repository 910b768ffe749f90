import { setTimeout as wait } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { Failure } from '../failure.ts'
import { parseWhole } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

interface RegisterOptions {
  proxy: URL
  app: string
  region: string
  country?: string
  ip: string
  port: number
  weight?: number
  softLimit?: number
  hardLimit?: number
  every: number
}

const deadlineMs = 5000
const notRegistered = 404
const mostConnections = 1_000_000

/** Stands beside a backend: registers it, keeps it alive, and takes it back at the end. */
export function registerEdgeRegister(edge: Command, terminal: Terminal): void {
  edge
    .command('register')
    .description('Registers a backend at a point of presence and keeps it alive until Ctrl-C.')
    .argument('<id>', 'name of the backend')
    .option('--proxy <url>', 'registration API', parseUrl, new URL('http://127.0.0.1:7081'))
    .requiredOption('--app <name>', 'app that it serves')
    .requiredOption('--region <name>', 'region that it is in')
    .option('--country <code>', 'two letters; the first of the region when absent')
    .requiredOption('--ip <address>', 'address or host name that proxies reach')
    .requiredOption('--port <port>', 'port', parseWhole(1, 65_535))
    .option('--weight <weight>', '0 takes no connections', parseWhole(0, 255))
    .option('--soft-limit <count>', 'connections of one proxy', parseWhole(0, mostConnections))
    .option('--hard-limit <count>', 'connections of one proxy', parseWhole(0, mostConnections))
    .option('--every <seconds>', 'between heartbeats', parseWhole(1, 3600), 15)
    .addHelpText(
      'after',
      `
EDGEPROXY_API_TOKEN of the environment is sent, where it is set. Where the proxy does not answer it is
asked again; a backend that it has forgotten is registered anew.

Examples:
  $ corroport edge register web-1 --app web --region eu --ip 10.50.3.3 --port 8080`,
    )
    .action(
      terminal.action(async (id: string, options: RegisterOptions) => {
        const { proxy, every, softLimit, hardLimit, app, region, country, ip, port, weight } =
          options
        const body = {
          id,
          app,
          region,
          country,
          ip,
          port,
          weight,
          soft_limit: softLimit,
          hard_limit: hardLimit,
        }
        const token = terminal.environment.EDGEPROXY_API_TOKEN
        const ask = async (method: string, path: string, json?: unknown): Promise<Response> => {
          const headers: Record<string, string> = {}
          if (token) headers.authorization = `Bearer ${token}`
          if (json !== undefined) headers['content-type'] = 'application/json'
          return await fetch(new URL(path, proxy), {
            method,
            headers,
            redirect: 'manual',
            signal: AbortSignal.timeout(deadlineMs),
            ...(json !== undefined && { body: JSON.stringify(json) }),
          })
        }
        const own = encodeURIComponent(id)
        terminal.onInterrupt(async () => {
          const answer = await ask('DELETE', `/api/v1/backends/${own}`).catch(() => undefined)
          return answer?.ok ? `${id} is deregistered` : `${id} stays until its lease is over`
        })

        let isRegistered = false
        for (;;) {
          const path = isRegistered ? `/api/v1/heartbeat/${own}` : '/api/v1/register'
          const answer = await ask('POST', path, isRegistered ? undefined : body).catch(
            (error: unknown) => {
              terminal.note(`${proxy.origin} does not answer: ${String(error)}`)
              return undefined
            },
          )
          const said = await answer?.text()
          if (answer?.ok) {
            if (!isRegistered) terminal.note(`${id} is registered`)
            isRegistered = true
          } else if (isRegistered && answer?.status === notRegistered) {
            isRegistered = false
            continue
          } else if (answer && answer.status < 500) {
            throw new Failure(`${proxy.origin} answered ${answer.status}: ${said}`)
          } else if (answer) terminal.note(`${proxy.origin} answered ${answer.status}: ${said}`)
          await wait(every * 1000)
        }
      }),
    )
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('Not an http address.')
  return url
}
