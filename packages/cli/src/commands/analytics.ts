import { createParser, LedgerReply, VacuumReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { type GatewayOptions, jsonOption, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerAnalytics(program: Command, terminal: Terminal): void {
  const analytics = program.command('analytics').description('What is stored of all that was told.')
  registerMigrate(analytics, terminal)
  registerVacuum(analytics, terminal)
  registerLedger(analytics, terminal)
}

function registerMigrate(analytics: Command, terminal: Terminal): void {
  analytics
    .command('migrate')
    .description('Brings the tables of analytics in Postgres up to date.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The database is DATABASE_URL, as postgres://user:password@host:port/database: arguments can be read by
everybody on the machine. Postgres 14 or newer. Safe to run again, and by several at once.

Example:
  $ corroport analytics migrate`,
    )
    .action(
      terminal.action(async ({ json }: { json?: boolean }) => {
        const url = databaseUrl(terminal)
        // Only this command pays for loading them.
        const { pino } = await import('pino')
        const { openDatabase, reasonOf } = await import('@corroport/analytics/store/database.ts')
        const { migrate } = await import('@corroport/analytics/store/migrate.ts')
        await using database = openDatabase({
          url,
          log: pino({ level: 'silent' }),
          name: 'corroport migrate',
          connections: 1,
        })
        const { applied } = await migrate(database.db).catch((cause: unknown) => {
          throw new Failure(`not migrated: ${reasonOf(cause)}`, { cause })
        })
        if (json) terminal.printJson({ applied })
        else if (applied.length === 0) terminal.print('nothing to do')
        else for (const name of applied) terminal.print(`applied ${name}`)
        return 'ok'
      }),
    )
}

/** A setting of the environment, since arguments can be read by everybody on the machine. */
export function databaseUrl(terminal: Terminal): string {
  const url = terminal.environment.DATABASE_URL
  if (!url) throw new Failure('DATABASE_URL is not set', { exit: 'usage' })
  if (/^postgres(ql)?:\/\//.test(url)) return url
  throw new Failure('DATABASE_URL does not begin with postgres://', { exit: 'usage' })
}

function registerVacuum(analytics: Command, terminal: Terminal): void {
  withGateway(analytics.command('vacuum'))
    .description(
      'Drops raw records that are older than they are kept, now and not within the hour.',
    )
    .addHelpText(
      'after',
      `
RETENTION_DAYS of analytics says how long they are kept; what a wrong clock told as far in the future
goes too. Figures of experiments stay. A day that is being read just now is named, and left for later.

Example:
  $ corroport analytics vacuum`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const gateway = openGateway(options, terminal)
        const reply = await gateway.post(
          '/api/analytics/vacuum',
          {},
          createParser('vacuum', VacuumReply),
        )
        if (options.json) terminal.printJson(reply)
        else {
          for (const name of reply.dropped) terminal.print(`dropped ${name}`)
          terminal.print(
            `${reply.dropped.length} partitions and ${reply.deleted_rows} rows dropped, older than ${reply.retention_days} days`,
          )
        }
        return 'ok'
      }),
    )
}

function registerLedger(analytics: Command, terminal: Terminal): void {
  withGateway(analytics.command('ledger'))
    .description('Shows of each stream what was published, stored, known before, refused, missing.')
    .addHelpText(
      'after',
      `
Published = stored + duplicates + refused + missing. Exits with 4 when that does not hold, or when
something is missing. Of each stream the newest 100 missing ranges are named.

Examples:
  $ corroport analytics ledger
  $ corroport analytics ledger --json`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const parse = createParser('ledger', LedgerReply)
        const reply = await openGateway(options, terminal).get('/api/analytics/ledger', parse)
        const isComplete = reply.streams.every((entry) => entry.missing_records === 0)
        if (options.json) terminal.printJson(reply)
        else printLedger(reply, terminal)
        return reply.is_balanced && isComplete ? 'ok' : 'degraded'
      }),
    )
}

function printLedger({ streams, is_balanced }: LedgerReply, terminal: Terminal): void {
  printTable(
    ['STREAM', 'SINCE', 'PUBLISHED', 'STORED', 'DUPLICATES', 'REFUSED', 'MISSING', 'WAITING'],
    streams.map((entry): Part[] => [
      entry.is_current ? entry.stream : `${entry.stream} (before)`,
      entry.incarnation,
      String(entry.published),
      String(entry.stored),
      String(entry.duplicates),
      String(entry.refused),
      {
        text: String(entry.missing_records),
        style: entry.missing_records > 0 ? 'red' : 'green',
      },
      entry.waiting === null ? '–' : String(entry.waiting),
    ]),
    terminal,
  )
  for (const { stream, missing, missing_ranges, ended } of streams) {
    const name: Part = { text: stream, style: 'red' }
    if (ended !== undefined) terminal.print(name, ` ${ended}`)
    const older = missing_ranges - missing.length
    if (older > 0)
      terminal.print(name, ` ${older} older ${older === 1 ? 'range' : 'ranges'} missing`)
    for (const { from, to, reason } of missing) {
      terminal.print(name, ` ${from} to ${to} missing: ${reason}`)
    }
  }
  terminal.print(is_balanced ? 'balanced' : { text: 'not balanced', style: 'red' })
}
