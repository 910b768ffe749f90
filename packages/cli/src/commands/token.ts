import { createAccessToken, openTokenBucket, type TokenBucket } from '@corroport/bus'
import {
  AccessTokenId,
  nowMicroseconds,
  type Role,
  roles,
  type TokenRecord,
  toTimestamp,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Value } from 'typebox/value'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { parseDuration } from '../duration.ts'
import { Failure } from '../failure.ts'
import { jsonOption } from '../gateway-options.ts'
import { type NatsOptions, natsAccess, natsFailure, withNats } from '../nats-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface TokenOptions extends NatsOptions {
  json?: boolean
}

interface CreateOptions extends TokenOptions {
  name: string
  role: Role
  expires?: number
}

/** Tokens are made, listed and revoked over NATS: whoever may write there decides who may ask. */
export function registerToken(program: Command, terminal: Terminal): void {
  const token = program.command('token').description('Who may ask the gateways of a cluster.')

  withNats(token.command('create'))
    .description('Makes an access token and prints it, once: nobody can read it again.')
    .requiredOption('--name <name>', 'whose it is, as the audit names them', parseName)
    .addOption(
      new Option('--role <role>', 'what it may do: look, steer, or everything')
        .choices(roles)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--expires <time>', 'after so long: 12h, 90d (default: never)').argParser(
        parseExpiry,
      ),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The token alone is printed on standard output. Commands send the one that CORROPORT_TOKEN holds,
or the file that CORROPORT_TOKEN_FILE names.

Examples:
  $ corroport token create --role admin --name anna
  $ corroport token create --role viewer --name wall --expires 90d > wall.token`,
    )
    .action(
      terminal.action(async (options: CreateOptions) => {
        const { name, role, expires } = options
        const expiresAt =
          expires === undefined ? null : toTimestamp(nowMicroseconds() + expires * 1000)
        const { token: text, record } = createAccessToken({ name, role, expiresAt })
        await inBucket(options, terminal, (bucket) => bucket.add(record))
        if (options.json) terminal.printJson({ token: text, ...withoutHash(record) })
        else terminal.print(text)
        terminal.note(`token ${record.id} of ${name}: ${role}, ${endOf(record)}`)
        return 'ok'
      }),
    )

  withNats(token.command('list'))
    .description('Shows the access tokens, without their secrets.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Example:
  $ corroport token list`,
    )
    .action(
      terminal.action(async (options: TokenOptions) => {
        const tokens = await inBucket(options, terminal, (bucket) => bucket.list())
        if (options.json) {
          terminal.printJson({ tokens: tokens.map(withoutHash) })
          return 'ok'
        }
        printTable(
          ['ID', 'ROLE', 'STATE', 'CREATED', 'NAME'],
          tokens.map((record) => [
            record.id,
            record.role,
            isOver(record) ? { text: endOf(record), style: 'dim' } : endOf(record),
            record.created_at,
            record.name,
          ]),
          terminal,
        )
        return 'ok'
      }),
    )

  withYes(withNats(token.command('revoke')))
    .description('Ends an access token and the sessions that were opened with it, for ever.')
    .argument('<id>', 'as token list shows it', parseId)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A gateway that has lost NATS hears of it when NATS is back.

Example:
  $ corroport token revoke 7Q3M8VX2KD --yes`,
    )
    .action(
      terminal.action(async (id: string, options: TokenOptions & YesOption) => {
        if (!(await isMeant(`Revoke access token ${id}?`, options, terminal))) return 'failed'
        const record = await inBucket(options, terminal, (bucket) => bucket.revoke(id))
        if (!record) throw new Failure(`there is no access token ${id}: see corroport token list`)
        if (options.json) terminal.printJson(withoutHash(record))
        else terminal.print(`token ${id} of ${record.name}: ${endOf(record)}`)
        return 'ok'
      }),
    )
}

async function inBucket<T>(
  options: NatsOptions,
  terminal: Terminal,
  work: (bucket: TokenBucket) => Promise<T>,
): Promise<T> {
  const access = natsAccess(options, terminal)
  try {
    await using bucket = await openTokenBucket(access)
    return await work(bucket)
  } catch (error) {
    throw error instanceof Error ? natsFailure(error, access, 'write tokens') : error
  }
}

function withoutHash({ sha256: _hash, ...token }: TokenRecord): Omit<TokenRecord, 'sha256'> {
  return token
}

function isOver({ revoked_at, expires_at }: TokenRecord): boolean {
  return revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= Date.now())
}

function endOf(record: TokenRecord): string {
  const { revoked_at, expires_at } = record
  if (revoked_at !== null) return `revoked ${revoked_at}`
  if (expires_at === null) return 'no end'
  return `${isOver(record) ? 'expired' : 'until'} ${expires_at}`
}

function parseName(text: string): string {
  if (text.length < 1 || text.length > 100) {
    throw new InvalidArgumentError('Give 1 to 100 characters.')
  }
  return text
}

function parseExpiry(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1000) throw new InvalidArgumentError('Give a time such as 90d.')
  return ms
}

function parseId(text: string): string {
  if (Value.Check(AccessTokenId, text)) return text
  throw new InvalidArgumentError('Give the 10 characters of its id, not the token itself.')
}
