import { type Command, Option } from 'commander'
import { experimentPath, followExperiment, parseExperiment } from '../experiment-progress.ts'
import { showResult } from '../experiment-result.ts'
import { Failure } from '../failure.ts'
import type { Gateway } from '../gateway-client.ts'
import {
  type GatewayOptions,
  openGateway,
  parseTimeout,
  parseWhole,
  withGateway,
} from '../gateway-options.ts'
import { askPresentNodes } from '../present-nodes.ts'
import type { Terminal } from '../terminal.ts'

interface DemoOptions extends GatewayOptions {
  nodes?: number
  id?: string
  messages: number
  wait: number
}

const intervalMs = 100

export function registerDemo(program: Command, terminal: Terminal): void {
  withGateway(program.command('demo'))
    .description(
      'Measures the running cluster once: sends, waits, prints the summary and the links.',
    )
    .option('--nodes <count>', 'so many must be there', parseWhole(1, 300))
    .option('--id <id>', 'of the experiment')
    .option('--messages <count>', 'of each transport', parseWhole(1, 10_000), 20)
    .addOption(
      new Option('--wait <time>', 'for its end, at most')
        .argParser(parseTimeout)
        .default(60_000, '1m'),
    )
    .addHelpText(
      'after',
      `
Both transports take turns, from all nodes that are there.

Examples:
  $ corroport demo
  $ corroport demo --nodes 3 --id first-look --messages 100 --wait 2m`,
    )
    .action(
      terminal.action(async (options: DemoOptions) => {
        const gateway = openGateway(options, terminal)
        const origins = await originsOf(gateway, options.nodes)
        const { experiment } = await gateway.post(
          '/api/experiments',
          {
            ...(options.id !== undefined && { id: options.id }),
            name: options.id ?? 'demo',
            transport: 'both',
            origins,
            count: options.messages,
            interval_ms: intervalMs,
          },
          parseExperiment,
        )
        const { id } = experiment
        if (!options.json) terminal.print(`${id}: from ${origins.join(', ')}`)
        terminal.onInterrupt(`${id} goes on: corroport experiment watch ${id}`)
        const state = await withDeadline(
          followExperiment(gateway, id, options, terminal),
          options.wait,
          `${id} has not ended in time and goes on: corroport experiment watch ${id}`,
        )
        const exit = await showResult(gateway, state, options, terminal)
        if (!options.json) showLinks(gateway, id, terminal)
        return exit
      }),
    )
}

async function originsOf(gateway: Gateway, wanted = 1): Promise<string[]> {
  const present = await askPresentNodes(gateway)
  if (present.length < wanted) {
    throw new Failure(
      `${present.length} nodes are there, not ${wanted}: npm start -- --nodes ${wanted}`,
    )
  }
  return present
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, words: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Failure(words, { exit: 'missing' })), timeoutMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function showLinks(gateway: Gateway, id: string, terminal: Terminal): void {
  terminal.print('')
  const paths = ['', '/figures', '/messages'].map((part) => `${experimentPath(id)}${part}`)
  for (const path of [...paths, '/api/clocks', '/api/analytics/ledger', '/']) {
    terminal.print(new URL(path, gateway.url).href)
  }
  terminal.print(`corroport experiment export ${id}`)
}
