import type { Command } from 'commander'
import { createLayout, type Layout } from './layout.ts'
import { followLogs, partsWithLogs, printLogs } from './log-view.ts'
import { maxNodes, natsPortsOf } from './ports.ts'
import { ownDatabaseUrl } from './postgres.ts'
import { type Layer, layers, readRecord } from './register.ts'
import { nodeEnvironment } from './services.ts'
import {
  type LocalTerminal,
  nodesArgument,
  type StartFlags,
  startLayer,
  startOptions,
  startUp,
  wholeNumber,
} from './start.ts'
import { describeLayer, statusOf } from './status.ts'
import { stopLayers } from './stop.ts'

/** Adds the commands of a local cluster: `up`, `stop`, `status`, `agents`, `services`, `logs`, `node`. */
export function addLocalCommands(program: Command, terminal: LocalTerminal): void {
  const layout = createLayout(terminal.environment.CORROPORT_HOME)
  addUp(program, terminal)
  addStopAndStatus(program, layers, layout, terminal)
  addLayers(program, layout, terminal)
  addLogs(program, layout, terminal)
  addNode(program, layout, terminal)
}

function addUp(program: Command, terminal: LocalTerminal): void {
  const up = program
    .command('up')
    .description('start NATS, Postgres, agents and services, and keep them running until Ctrl-C')
  const { foreground: _, ...options } = startOptions
  for (const option of Object.values(options)) up.addOption(option())
  up.action((flags: StartFlags) => startUp(flags, terminal))
}

function addLayers(program: Command, layout: Layout, terminal: LocalTerminal): void {
  const { fresh, portOffset, foreground, keepConfig, showCorrosion } = startOptions
  const { agents, regions, clockOffset, processPerService, withoutAnalytics, edge, builds } =
    startOptions
  const bends = [regions, clockOffset]
  const kinds = [
    {
      layer: 'agents',
      what: 'NATS, Postgres and the Corrosion agents',
      options: [
        agents,
        ...bends,
        withoutAnalytics,
        builds,
        fresh,
        keepConfig,
        portOffset,
        foreground,
        showCorrosion,
      ],
    },
    {
      layer: 'services',
      what: 'the services of as many nodes as there are agents, and analytics',
      options: [
        ...bends,
        processPerService,
        withoutAnalytics,
        edge,
        builds,
        fresh,
        portOffset,
        foreground,
      ],
    },
  ] as const
  for (const { layer, what, options } of kinds) {
    const group = program.command(layer).description(`${what}, apart`)
    const start = group
      .command('start')
      .description(`start ${what}, in the background`)
      .addArgument(nodesArgument())
    for (const option of options) start.addOption(option())
    start.action((nodes: number | undefined, flags: StartFlags) =>
      startLayer(layer, nodes === undefined ? flags : { ...flags, nodes }, terminal),
    )
    addStopAndStatus(group, [layer], layout, terminal)
  }
}

/** Exit code of `status` when nothing runs, or something that was started is not ready. */
const notReadyCode = 4

function addStopAndStatus(
  group: Command,
  own: readonly Layer[],
  layout: Layout,
  { out }: LocalTerminal,
): void {
  const say = (line: string): void => void out.write(`${line}\n`)
  group
    .command('stop')
    .description('stop what runs, and what a killed start left behind')
    .action(() => stopLayers(layout, own, say))
  group
    .command('status')
    .description(`what runs, and whether it is ready (exit code ${notReadyCode} when not)`)
    .option('--json', 'as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const found = await Promise.all(own.map((layer) => statusOf(layout, layer)))
      say(json ? JSON.stringify(found, undefined, 2) : found.map(describeLayer).join('\n\n'))
      const isReady = found.every(
        ({ supervisor, parts }) =>
          supervisor !== null && parts.every(({ state }) => state === 'ready'),
      )
      if (!isReady) process.exitCode = notReadyCode
    })
}

function addLogs(program: Command, layout: Layout, { out }: LocalTerminal): void {
  program
    .command('logs')
    .description(
      'print logs, readable: all of them, or those named (nats, postgres, agent1, node2, analytics)',
    )
    .argument('[parts...]')
    .option('-f, --follow', 'and what is added, until Ctrl-C')
    .option('-n, --lines <count>', 'of each log', wholeNumber(0, 100_000), 20)
    .action(async (parts: string[], { follow, lines }: { follow?: boolean; lines: number }) => {
      const isOf = (part: string, name: string): boolean =>
        part === name || part.startsWith(`${name}-`)
      const all = partsWithLogs(layout)
      const strangers = parts.filter((name) => !all.some((part) => isOf(part, name)))
      if (strangers.length > 0) {
        const found = all.length === 0 ? 'none' : all.join(', ')
        throw new Error(`there is no log of ${strangers.join(' or ')}; there are: ${found}`)
      }
      const isWanted = (part: string): boolean =>
        parts.length === 0 || parts.some((name) => isOf(part, name))
      const view = { layout, isWanted, out }
      printLogs(view, lines)
      if (!follow) return
      const stopping = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort())
      await followLogs(view, stopping.signal)
    })
}

function addNode(program: Command, layout: Layout, { environment }: LocalTerminal): void {
  program
    .command('node')
    .description('run the services of one node here, against an agent that runs already')
    .addHelpText(
      'after',
      `
What the services read comes from the rule of ports; a variable that is set goes before it.

Example:
  $ NODE_ID=1 corroport local node`,
    )
    .action(async () => {
      // Only this command, which each node runs, pays for loading all services.
      const { runNode } = await import('./node.ts')
      await runNode(environmentByHand(layout, environment))
    })
}

/** NODE_ID is a number, or `node` and a number. */
function environmentByHand(layout: Layout, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const number = Number(/^(?:node)?(\d{1,2})$/.exec(given.NODE_ID ?? '')?.[1])
  if (!(number >= 1 && number <= maxNodes)) {
    throw new Error(`NODE_ID is missing: a number from 1 to ${maxNodes}, such as NODE_ID=1`)
  }
  const shape = readRecord(layout, 'agents')?.shape
  const byRule = nodeEnvironment(layout, number, {
    nodes: shape?.nodes ?? 3,
    portOffset: shape?.portOffset ?? 0,
    regions: shape?.regions ?? [],
    clockOffsetsMs: shape?.clockOffsetsMs ?? {},
    databaseUrl: shape?.hasPostgres ? ownDatabaseUrl(layout, shape.portOffset) : undefined,
    natsUrl: shape?.natsUrl ?? `nats://127.0.0.1:${natsPortsOf().client}`,
  })
  return { ...byRule, ...given, NODE_ID: byRule.NODE_ID }
}
