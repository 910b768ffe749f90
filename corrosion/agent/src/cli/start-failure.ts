import type { AgentConfig } from '../config/agent-config.ts'
import { type Address, formatAddress } from '../gossip/address.ts'

/** Why the agent did not start, in one line: what is in the way, and which setting leads there. */
export function describeStartFailure(error: unknown, config: AgentConfig): string {
  const causes = causesOf(error)
  const messages = causes.map(({ message }) => message)
  if (causes.some(({ code }) => code === 'ENOSPC') || messages.some(isFull)) {
    return `no space is left for ${config.db.path} (db.path): ${messages.join(': ')}`
  }
  const atPort = causes.find(({ port }) => port !== undefined)
  if (atPort === undefined) return messages.join(': ')
  const address = { host: atPort.address ?? '', port: atPort.port ?? 0 }
  const where = `${formatAddress(address)} (${settingsOf(address, config).join(' and ')})`
  const advice = advices[atPort.code ?? '']
  return advice === undefined
    ? `cannot listen on ${where}: ${messages.join(': ')}`
    : `${where} ${advice} in ${config.path}`
}

const advices: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: end what listens there, or set another port',
  EADDRNOTAVAIL: 'is no address of this machine: set one of its own',
  EACCES: 'may not be listened on: set a port above 1023',
}

interface Cause {
  message: string
  code?: string | undefined
  address?: string | undefined
  port?: number | undefined
}

function causesOf(error: unknown): Cause[] {
  if (!(error instanceof Error)) return [{ message: String(error) }]
  const { message, code, address, port }: Cause = error
  const here = { message, code, address, port }
  return error.cause === undefined ? [here] : [here, ...causesOf(error.cause)]
}

/** SQLITE_FULL and the system's own words. */
function isFull(message: string): boolean {
  return /database or disk is full|no space left on device/i.test(message)
}

function settingsOf({ host, port }: Address, config: AgentConfig): string[] {
  const all: [string, Address | undefined][] = [
    ...config.api.addresses.map((each): [string, Address] => ['api.addr', each]),
    ['gossip.addr', config.gossip.address],
    ['telemetry.prometheus.addr', config.prometheus],
  ]
  const same = all.filter(([, each]) => each?.port === port && each.host === host)
  return same.map(([name]) => name)
}
