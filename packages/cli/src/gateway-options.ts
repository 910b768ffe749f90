import { readFileSync } from 'node:fs'
import { AccessToken } from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Value } from 'typebox/value'
import { parseDuration, parseSince } from './duration.ts'
import { Failure } from './failure.ts'
import { createGateway, type Gateway } from './gateway-client.ts'
import type { Terminal } from './terminal.ts'

export interface GatewayOptions {
  node?: number
  url?: URL
  json?: boolean
}

/** The options of every command that asks a gateway. */
export function withGateway(command: Command): Command {
  return command
    .addOption(
      new Option('--node <name>', 'node to ask, node1 to node10 or its number (default: node1)')
        .argParser(parseNode)
        .conflicts('url'),
    )
    .addOption(
      new Option('--url <url>', 'address of the gateway (or env CORROPORT_URL)').argParser(
        parseHttpUrl,
      ),
    )
    .addOption(jsonOption())
}

export function jsonOption(): Option {
  return new Option('--json', 'JSON for programs')
}

/** By `--url`, `--node` or CORROPORT_URL, in this order; otherwise node 1 of this machine. */
export function openGateway({ node, url }: GatewayOptions, terminal: Terminal): Gateway {
  const token = tokenOf(terminal.environment)
  if (url) return createGateway(url.host, url, token)
  const fromEnvironment = terminal.environment.CORROPORT_URL
  if (node === undefined && fromEnvironment) {
    const parsed = httpUrl(fromEnvironment)
    if (!parsed) throw new Failure(`CORROPORT_URL is no http address`, { exit: 'usage' })
    return createGateway(parsed.host, parsed, token)
  }
  const number = node ?? 1
  return createGateway(`node${number}`, new URL(`http://127.0.0.1:${4000 + number}`), token)
}

/** From the environment only: arguments can be read by everybody on the machine. */
function tokenOf(environment: Terminal['environment']): string | undefined {
  const { CORROPORT_TOKEN: given, CORROPORT_TOKEN_FILE: file } = environment
  if (given && file) {
    throw new Failure('CORROPORT_TOKEN and CORROPORT_TOKEN_FILE are both set: keep one', {
      exit: 'usage',
    })
  }
  if (!given && !file) return undefined
  const from = given ? 'CORROPORT_TOKEN' : `CORROPORT_TOKEN_FILE ${file}`
  let token = given
  if (file) {
    try {
      token = readFileSync(file, 'utf8').trim()
    } catch (cause) {
      throw new Failure(`${from} cannot be read`, { exit: 'usage', cause })
    }
  }
  if (Value.Check(AccessToken, token)) return token
  throw new Failure(`${from} holds no access token: cpt_…, as corroport token create printed it`, {
    exit: 'usage',
  })
}

function parseNode(text: string): number {
  const number = /^(?:node)?([1-9]|10)$/.exec(text)?.[1]
  if (number === undefined) {
    throw new InvalidArgumentError('Only node1 to node10 have addresses by rule; use --url.')
  }
  return Number(number)
}

export function parseHttpUrl(text: string): URL {
  const url = httpUrl(text)
  if (!url) throw new InvalidArgumentError('Not an http address.')
  return url
}

function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text)
  return url && /^https?:$/.test(url.protocol) ? url : undefined
}

/** For commander: `30s`, `2m` in milliseconds, within what a gateway takes. */
export function parseTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1000 || ms > 600_000) {
    throw new InvalidArgumentError('Give a time from 1s to 10m.')
  }
  return ms
}

/** For commander: `10m`, `2h`, `1d` before now, or an ISO time. */
export function parseWhen(text: string): string {
  const when = parseSince(text, Date.now())
  if (when === undefined) throw new InvalidArgumentError('Give 10m, 2h, 1d or an ISO time.')
  return when
}

/** How long a command that waits does so at most. */
export function timeoutOption(): Option {
  return new Option('--timeout <time>', 'how long to wait at most')
    .argParser(parseTimeout)
    .default(30_000, '30s')
}

/** For commander: a whole number within bounds. */
export function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (!(number >= least && number <= most)) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
    }
    return number
  }
}
