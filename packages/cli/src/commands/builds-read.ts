import { buildStatuses, readServerSentEvents } from '@corroport/contracts'
import { type Command, Option } from 'commander'
import {
  type Build,
  type LogLine,
  parseBuild,
  parseBuildEvents,
  parseBuilds,
  parseLog,
  parseLogLine,
  parseStatistics,
  parseStatus,
  parseWorkers,
} from '../builds-answers.ts'
import { type ControllerOptions, openController, withController } from '../controller-client.ts'
import { Failure } from '../failure.ts'
import { withQuery } from '../gateway-client.ts'
import { parseWhole } from '../gateway-options.ts'
import { persistently } from '../persistently.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerBuildReading(builds: Command, terminal: Terminal): void {
  registerList(builds, terminal)
  registerShow(builds, terminal)
  registerLog(builds, terminal)
  registerWorkers(builds, terminal)
  registerStats(builds, terminal)
}

interface ListOptions extends ControllerOptions {
  status?: string
  platform?: string
  limit: number
}

function registerList(builds: Command, terminal: Terminal): void {
  withController(builds.command('list'))
    .description('Shows builds, newest first.')
    .addOption(new Option('--status <status>', 'only those').choices(buildStatuses))
    .addOption(new Option('--platform <platform>', 'only of it').choices(['ios', 'android']))
    .option('--limit <count>', 'at most so many', parseWhole(1, 1000), 50)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport builds list
  $ corroport builds list --status failed --json | jq -r '.builds[].error_message'`,
    )
    .action(
      terminal.action(async ({ status, platform, limit, ...options }: ListOptions) => {
        const path = withQuery('/api/v2/builds', { status, platform, limit })
        const reply = await openController(options, terminal).ask(path, {}, parseBuilds)
        if (options.json) terminal.printJson(reply)
        else showBuilds(reply.builds, terminal)
        return 'ok'
      }),
    )
}

function showBuilds(builds: readonly Build[], terminal: Terminal): void {
  printTable(
    ['ID', 'PLATFORM', 'STATUS', 'SUBMITTED', 'TOOK', 'WORKER', 'WHY'],
    builds.map((build) => [
      build.id,
      build.platform,
      stateOf(build.state),
      build.createdAt,
      build.completedAt === undefined
        ? '-'
        : `${Math.round((Date.parse(build.completedAt) - Date.parse(build.createdAt)) / 1000)} s`,
      build.worker_name ?? '-',
      build.error_message ?? '',
    ]),
    terminal,
  )
}

const styles: Readonly<Partial<Record<Build['state'], 'green' | 'red' | 'yellow'>>> = {
  completed: 'green',
  failed: 'red',
  dead: 'red',
  cancelled: 'yellow',
}

export function stateOf(state: Build['state']): Part {
  const style = styles[state]
  return style ? { text: state, style } : state
}

function registerShow(builds: Command, terminal: Terminal): void {
  withController(builds.command('show'))
    .description('Shows one build, and what happened to it.')
    .argument('<id>', 'of the build')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds show k3v9q2m7x4c8w1z6`,
    )
    .action(
      terminal.action(async (id: string, options: ControllerOptions) => {
        const controller = openController(options, terminal)
        const path = `/api/v2/builds/${encodeURIComponent(id)}`
        const [build, { events }] = await Promise.all([
          controller.ask(path, {}, parseBuild),
          controller.ask(`${path}/events`, {}, parseBuildEvents),
        ])
        if (options.json) {
          terminal.printJson({ build, events })
          return 'ok'
        }
        showBuilds([build], terminal)
        terminal.print('')
        printTable(
          ['AT', 'WHAT', 'WORKER', 'WHY'],
          events.map(({ kind, at, worker_id, reason }) => [
            at,
            kind.replace('build.', ''),
            worker_id ?? '-',
            reason ?? '',
          ]),
          terminal,
        )
        return 'ok'
      }),
    )
}

interface LogOptions extends ControllerOptions {
  follow?: boolean
  after: number
}

function registerLog(builds: Command, terminal: Terminal): void {
  withController(builds.command('log'))
    .description('Prints the log of a build.')
    .argument('<id>', 'of the build')
    .option('--follow', 'until the build ends; exits with 1 when it has no result')
    .option('--after <line>', 'number of the last line known', parseWhole(0, 1_000_000), 0)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport builds log k3v9q2m7x4c8w1z6
  $ corroport builds log k3v9q2m7x4c8w1z6 --follow`,
    )
    .action(
      terminal.action(async (id: string, options: LogOptions) => {
        const controller = openController(options, terminal)
        const path = `/api/v2/builds/${encodeURIComponent(id)}/logs`
        const show = (line: LogLine): void => {
          if (options.json) terminal.printJson(line, 'line')
          else terminal.print({ text: line.timestamp, style: 'dim' }, ' ', lineOf(line))
        }
        if (!options.follow) {
          let { after } = options
          for (;;) {
            const page = withQuery(path, { after, limit: 10_000 })
            const { logs, next } = await controller.ask(page, {}, parseLog)
            for (const line of logs) show(line)
            if (logs.length === 0) return 'ok'
            after = next
          }
        }
        let after = options.after
        for (let failures = 0; failures < 30; failures += 1) {
          const from = withQuery(`${path}/live`, { after })
          const init = { headers: { accept: 'text/event-stream' } }
          const { body } = await persistently(() => controller.open(from, init), terminal)
          if (!body) break
          try {
            for await (const { type, data = '' } of readServerSentEvents(body)) {
              if (type === 'end') {
                const { state } = parseStatus(JSON.parse(data))
                terminal.note('the build is ', stateOf(state))
                return state === 'completed' ? 'ok' : 'failed'
              }
              const line = parseLogLine(JSON.parse(data))
              show(line)
              after = line.seq
              failures = 0
            }
          } catch (error) {
            if (error instanceof SyntaxError) throw error
          }
          terminal.note('the connection ended; going on after line ', String(after))
        }
        throw new Failure('the log ended before the build did')
      }),
    )
}

function lineOf({ level, message }: LogLine): Part {
  if (level === 'error') return { text: message, style: 'red' }
  return level === 'warn' ? { text: message, style: 'yellow' } : message
}

function registerWorkers(builds: Command, terminal: Terminal): void {
  withController(builds.command('workers'))
    .description('Shows the workers, seen last first.')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds workers`,
    )
    .action(
      terminal.action(async (options: ControllerOptions) => {
        const path = '/api/v2/workers'
        const reply = await openController(options, terminal).ask(path, {}, parseWorkers)
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['ID', 'STATUS', 'BUILDS', 'DONE', 'FAILED', 'SEEN', 'NAME'],
          reply.workers.map((worker) => [
            worker.id,
            {
              text:
                worker.build_id === null ? worker.status : `${worker.status} ${worker.build_id}`,
              style: worker.status === 'offline' ? 'red' : 'green',
            },
            [...worker.platforms, ...worker.labels].join(' '),
            String(worker.builds_completed),
            String(worker.builds_failed),
            worker.last_seen_at,
            worker.name,
          ]),
          terminal,
        )
        return 'ok'
      }),
    )
}

function registerStats(builds: Command, terminal: Terminal): void {
  withController(builds.command('stats'))
    .description('Counts builds by status.')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds stats --json | jq .pending`,
    )
    .action(
      terminal.action(async (options: ControllerOptions) => {
        const path = '/api/v2/builds/statistics'
        const counts = await openController(options, terminal).ask(path, {}, parseStatistics)
        if (options.json) terminal.printJson(counts)
        else {
          const rows = Object.entries(counts).map(([status, count]) => [status, String(count)])
          printTable(['STATUS', 'BUILDS'], rows, terminal)
        }
        return 'ok'
      }),
    )
}
