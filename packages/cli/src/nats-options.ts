import { type Command, Option } from 'commander'
import { Failure } from './failure.ts'
import type { Terminal } from './terminal.ts'

export interface NatsOptions {
  nats?: string
}

export interface NatsAccess {
  url: string
  user: string | undefined
  password: string | undefined
}

export function withNats(command: Command): Command {
  return command.addOption(
    new Option('--nats <url>', 'NATS server (or env NATS_URL; default: nats://127.0.0.1:4222)'),
  )
}

/** Users come from the environment only: arguments can be read by everybody on the machine. */
export function natsAccess({ nats }: NatsOptions, { environment }: Terminal): NatsAccess {
  return {
    url: nats ?? (environment.NATS_URL || 'nats://127.0.0.1:4222'),
    user: environment.NATS_USER || undefined,
    password: environment.NATS_PASSWORD || undefined,
  }
}

const refusals = new Set([
  'AuthorizationError',
  'PermissionViolationError',
  'UserAuthenticationExpiredError',
])

/** What an error of NATS means to the person who gave the command. */
export function natsFailure(error: Error, { url, user }: NatsAccess, right: string): Failure {
  const where = url.replaceAll(/\/\/[^@/,]*@/g, '//')
  if (refusals.has(error.name)) {
    const who = user === undefined ? 'a connection without a user' : `user ${user}`
    return new Failure(
      `NATS at ${where} refuses ${who}: set NATS_USER and NATS_PASSWORD to one that may ${right}`,
      { cause: error },
    )
  }
  if (['ConnectionError', 'TimeoutError', 'NoServersError'].includes(error.name)) {
    return new Failure(
      `no NATS server reached at ${where}: is the cluster running? Start it with npm start`,
      { cause: error },
    )
  }
  return new Failure(`NATS at ${where}: ${error.message}`, { cause: error })
}
