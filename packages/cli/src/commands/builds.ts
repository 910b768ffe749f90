import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { jsonOption } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'
import { databaseUrl } from './analytics.ts'
import { registerBuildReading } from './builds-read.ts'
import { registerBuildWriting } from './builds-write.ts'

export function registerBuilds(program: Command, terminal: Terminal): void {
  const builds = program.command('builds').description('The queue of distributed builds.')
  registerBuildReading(builds, terminal)
  registerBuildWriting(builds, terminal)
  builds
    .command('migrate')
    .description('Brings the tables of the build controller in Postgres up to date.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The database is DATABASE_URL, as postgres://user:password@host:port/database: arguments can be read by
everybody on the machine. Postgres 14 or newer. The tables are in a schema of their own, builds. Safe to
run again, and by several at once.

Example:
  $ corroport builds migrate`,
    )
    .action(
      terminal.action(async ({ json }: { json?: boolean }) => {
        const url = databaseUrl(terminal)
        // Only this command pays for loading them.
        const { pino } = await import('pino')
        const { openDatabase } = await import('@corroport/build-controller/store/database.ts')
        const { migrate } = await import('@corroport/build-controller/store/migrate.ts')
        await using database = openDatabase({
          url,
          log: pino({ level: 'silent' }),
          name: 'corroport migrate',
          connections: 1,
        })
        const { applied } = await migrate(database.db).catch((cause: unknown) => {
          const reason = Error.isError(cause) ? cause.message : String(cause)
          throw new Failure(`not migrated: ${reason}`, { cause })
        })
        if (json) terminal.printJson({ applied })
        else if (applied.length === 0) terminal.print('nothing to do')
        else for (const name of applied) terminal.print(`applied ${name}`)
        return 'ok'
      }),
    )
}
