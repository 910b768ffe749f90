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
everybody on the machine. Safe to run again, and by several at once.

Example:
  $ corroport analytics migrate`,
    )
    .action(
      terminal.action(async ({ json }: { json?: boolean }) => {
        const url = terminal.environment.DATABASE_URL
        if (!url) throw new Failure('DATABASE_URL is not set', { exit: 'usage' })
        // Only this command pays for loading them.
        const { pino } = await import('pino')
        const { openDatabase } = await import('@corroport/analytics/store/database.ts')
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

function registerVacuum(analytics: Command, terminal: Terminal): void {
  withGateway(analytics.command('vacuum'))
    .description(
      'Drops raw records that are older than they are kept, now and not within the hour.',
    )
    .addHelpText(
      'after',
      `
RETENTION_DAYS of analytics says how long they are kept. Figures of experiments stay.

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
something is missing.

Examples:
  $ corroport analytics ledger
  $ corroport analytics ledger --json`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const parse = createParser('ledger', LedgerReply)
        const reply = await openGateway(options, terminal).get('/api/analytics/ledger', parse)
        const missing = reply.streams.flatMap(({ stream, missing: gaps }) =>
          gaps.map((gap) => ({ stream, ...gap })),
        )
        if (options.json) terminal.printJson(reply)
        else {
          printTable(
            [
              'STREAM',
              'SINCE',
              'PUBLISHED',
              'STORED',
              'DUPLICATES',
              'REFUSED',
              'MISSING',
              'WAITING',
            ],
            reply.streams.map((entry): Part[] => {
              const gone = entry.missing.reduce((sum, { from, to }) => sum + to - from + 1, 0)
              return [
                entry.is_current ? entry.stream : `${entry.stream} (before)`,
                entry.incarnation,
                String(entry.published),
                String(entry.stored),
                String(entry.duplicates),
                String(entry.refused),
                { text: String(gone), style: gone > 0 ? 'red' : 'green' },
                entry.waiting === null ? '–' : String(entry.waiting),
              ]
            }),
            terminal,
          )
          for (const { stream, from, to, reason } of missing) {
            terminal.print({ text: stream, style: 'red' }, ` ${from} to ${to} missing: ${reason}`)
          }
          terminal.print(reply.is_balanced ? 'balanced' : { text: 'not balanced', style: 'red' })
        }
        return reply.is_balanced && missing.length === 0 ? 'ok' : 'degraded'
      }),
    )
}

/** A refused connection to a name with several addresses has its words only in its parts. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
