import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createLog } from '@corroport/service'
import {
  findPostgres,
  giveToPostgres,
  initializePostgres,
  postgresArguments,
  postgresUser,
} from '@corroport/testing/postgres-program.ts'
import type { Layout } from './layout.ts'
import { Part, type PartDefinition, type PartDeps } from './part.ts'
import { postgresPort } from './ports.ts'

const dataFolder = (layout: Layout): string => join(layout.postgresFolder, 'data')
export const passwordFile = (layout: Layout): string => join(layout.postgresFolder, 'password')

/** Everything that is known only there. */
export function databaseFiles(layout: Layout): string[] {
  return [dataFolder(layout), passwordFile(layout)]
}

/** Where the programs of Postgres are, and its folder made; throws where it cannot be run. */
export function preparePostgres(layout: Layout): string {
  // The mode would also be that of folders above it, where others have to pass.
  mkdirSync(dirname(layout.postgresFolder), { recursive: true })
  mkdirSync(layout.postgresFolder, { recursive: true, mode: 0o700 })
  giveToPostgres(layout.postgresFolder)
  return findPostgres(layout.postgresFolder)
}

/** With its password: a superuser of Postgres runs programs as whoever Postgres is. */
export function ownDatabaseUrl(layout: Layout, portOffset: number): string {
  const password = readFileSync(passwordFile(layout), 'utf8').trim()
  return `postgres://postgres:${password}@127.0.0.1:${postgresPort(portOffset)}/postgres`
}

export interface PostgresSettings {
  /** As `preparePostgres` gives it. */
  native: string
  portOffset: number
  environment: NodeJS.ProcessEnv
}

/** The password is made with it, so that others can be told the address before there is a database. */
export function postgresDefinition(layout: Layout, settings: PostgresSettings): PartDefinition {
  const { native, portOffset, environment } = settings
  if (!existsSync(passwordFile(layout))) {
    writeFileSync(passwordFile(layout), randomBytes(24).toString('base64url'), { mode: 0o600 })
    giveToPostgres(passwordFile(layout))
  }
  const url = ownDatabaseUrl(layout, portOffset)
  // Two who look at once would meet at the first table.
  let migrating: Promise<undefined> | undefined
  return {
    name: 'postgres',
    command: join(native, 'bin/postgres'),
    args: postgresArguments(dataFolder(layout), postgresPort(portOffset)),
    cwd: layout.postgresFolder,
    env: { PATH: environment.PATH },
    ...postgresUser,
    logPath: layout.log('postgres'),
    stopRank: 0,
    // SIGTERM would wait for whoever is connected, a forgotten psql too.
    stopSignal: 'SIGINT',
    stopDeadlineMs: 10_000,
    // Again after each start: it may be another version's that comes.
    look: () => {
      migrating ??= migrateDatabase(url).finally(() => {
        migrating = undefined
      })
      return migrating
    },
  }
}

/** A Postgres whose database is made before its first start. */
export class PostgresPart extends Part {
  readonly #layout: Layout
  readonly #native: string
  #made: Promise<void> | undefined

  constructor(definition: PartDefinition, deps: PartDeps, layout: Layout, native: string) {
    super(definition, deps)
    this.#layout = layout
    this.#native = native
  }

  /** Resolves when `start` may be called; at once when there is a database. */
  make(signal: AbortSignal): Promise<void> {
    this.#made ??= makeDatabase(this.#layout, this.#native, signal)
    return this.#made
  }
}

async function makeDatabase(layout: Layout, native: string, signal: AbortSignal): Promise<void> {
  const data = dataFolder(layout)
  if (existsSync(data)) return
  const draft = `${data}.draft`
  rmSync(draft, { recursive: true, force: true })
  await initializePostgres({
    native,
    data: draft,
    passwordFile: passwordFile(layout),
    isSafe: true,
    signal,
  })
  renameSync(draft, data)
}

/** Ready means: it answers, and its tables are as they are defined. */
export async function migrateDatabase(url: string): Promise<undefined> {
  await using stack = new AsyncDisposableStack()
  for (const { migrate } of await openStores(url, stack)) await migrate()
}

/** For those who do not want to change anything. */
export async function lookAtDatabase(url: string): Promise<string | undefined> {
  await using stack = new AsyncDisposableStack()
  const stores = await openStores(url, stack)
  const problems = await Promise.all(stores.map(({ findProblem }) => findProblem()))
  return problems.find((problem) => problem !== undefined)
}

/** The tables of analytics, and those of builds. */
async function openStores(url: string, stack: AsyncDisposableStack) {
  // Only a cluster with a database pays for loading these.
  const stores = await Promise.all([
    import('@corroport/analytics/store/database.ts'),
    import('@corroport/analytics/store/migrate.ts'),
    import('@corroport/build-controller/store/database.ts'),
    import('@corroport/build-controller/store/migrate.ts'),
  ])
  const log = createLog({ level: 'fatal' }) // what fails is thrown, and told by who looks
  const options = { url, log, name: 'local', connections: 1 }
  const [analytics, ofAnalytics, builds, ofBuilds] = stores
  const { db: analyticsDb } = stack.use(analytics.openDatabase(options))
  const { db: buildsDb } = stack.use(builds.openDatabase(options))
  return [
    {
      migrate: () => ofAnalytics.migrate(analyticsDb),
      findProblem: () => ofAnalytics.findProblem(analyticsDb),
    },
    {
      migrate: () => ofBuilds.migrate(buildsDb),
      findProblem: () => ofBuilds.findProblem(buildsDb),
    },
  ]
}
