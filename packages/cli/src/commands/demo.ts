import { Argument, type Command } from 'commander'
import { parseExperimentId } from '../experiment-id.ts'
import { experimentPath, goesOn, parseExperiment } from '../experiment-progress.ts'
import { showEnd } from '../experiment-result.ts'
import { exitCodes, Failure } from '../failure.ts'
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

const intervalMs = 100

export function registerDemo(program: Command, terminal: Terminal): void {
  withGateway(program.command('demo'))
    .description(
      'Measures the running cluster once: sends, waits, prints the summary and the links.',
    )
    .argument('[nodes]', 'so many must be there', parseWhole(1, 300), 1)
    .argument('[id]', 'of the experiment; made for it by default', parseExperimentId)
    .argument('[messages]', 'of each transport', parseWhole(1, 10_000), 20)
    .addArgument(
      new Argument('[wait]', 'for its end, at most: 90 (seconds) or 2m')
        .argParser(parseWait)
        .default(60_000, '1m'),
    )
    .addHelpText(
      'after',
      `
Both transports take turns, from all nodes that are there. Exits with ${exitCodes.missing.code} when it has not ended
in time; it goes on then.

Examples:
  $ corroport demo
  $ corroport demo 3 first-look 100 2m`,
    )
    .action(
      terminal.action(
        async (
          nodes: number,
          given: string | undefined,
          messages: number,
          waitMs: number,
          options: GatewayOptions,
        ) => {
          const gateway = openGateway(options, terminal)
          const origins = await originsOf(gateway, nodes)
          const { experiment } = await gateway.post(
            '/api/experiments',
            {
              ...(given !== undefined && { id: given }),
              name: given ?? 'demo',
              transport: 'both',
              origins,
              count: messages,
              interval_ms: intervalMs,
            },
            parseExperiment,
          )
          const { id } = experiment
          terminal.onInterrupt(`${id} ${goesOn(id)}`)
          const exit = await showEnd(gateway, id, { ...options, waitMs }, terminal)
          if (!options.json) showLinks(gateway, id, terminal)
          return exit
        },
      ),
    )
}

async function originsOf(gateway: Gateway, wanted: number): Promise<string[]> {
  const present = await askPresentNodes(gateway)
  if (present.length < wanted) {
    throw new Failure(
      `${present.length} nodes are there, not ${wanted}: npm start -- --nodes ${wanted}`,
    )
  }
  return present
}

/** For commander. A bare number is seconds. */
function parseWait(text: string): number {
  return parseTimeout(/^\d+$/.test(text) ? `${text}s` : text)
}

function showLinks(gateway: Gateway, id: string, terminal: Terminal): void {
  const links = {
    experiment: experimentPath(id),
    figures: `${experimentPath(id)}/figures`,
    messages: `${experimentPath(id)}/messages`,
    clocks: '/api/clocks',
    ledger: '/api/analytics/ledger',
  }
  terminal.print('')
  for (const [name, path] of Object.entries(links)) {
    terminal.print(name.padEnd(12), new URL(path, gateway.url).href)
  }
  terminal.print('report'.padEnd(12), `corroport experiment export ${id}`)
}
