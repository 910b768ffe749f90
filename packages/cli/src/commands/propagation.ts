import { createParser, type Propagation, PropagationReply } from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Static } from 'typebox'
import { parseDuration } from '../duration.ts'
import { boundText, durationText, percentileText } from '../experiment-figures.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface PropagationOptions extends GatewayOptions {
  table?: string
  from?: string
  to?: string
  since: number
}

const hourMs = 3_600_000
const parse = createParser('propagation', PropagationReply)

export function registerPropagation(program: Command, terminal: Terminal): void {
  withGateway(program.command('propagation'))
    .description(
      'Shows how long rows of real traffic took from their writer to each node, by hour.',
    )
    .option('--table <name>', 'of one table only')
    .option('--from <node>', 'written by it only')
    .option('--to <node>', 'seen by it only')
    .addOption(
      new Option('--since <time>', 'so long ago at most, 6m to 28d')
        .argParser(parseHours)
        .default(1, '1h'),
    )
    .addHelpText(
      'after',
      `
No test message is needed: each row says when its origin wrote it. The clocks of both nodes are
corrected by what analytics knows of them; BOUND is how wrong a figure may be. CORROSION is the
receiver's own 99th percentile, which has the difference of the clocks in it.

Examples:
  $ corroport propagation
  $ corroport propagation --table node_messages --since 1d --json`,
    )
    .action(
      terminal.action(async ({ table, from, to, since, ...options }: PropagationOptions) => {
        const gateway = openGateway(options, terminal)
        const rows: Static<typeof Propagation>[] = []
        let after: string | undefined
        do {
          const query = { table, origin: from, node: to, hours: since, after }
          const page = await gateway.get(withQuery('/api/propagation', query), parse)
          rows.push(...page.propagation)
          after = page.next ?? undefined
        } while (after !== undefined)
        if (options.json) terminal.printJson(rows)
        else if (rows.length > 0) show(rows, terminal)
        else terminal.note('no row was written by one node and seen by another in this time')
        return 'ok'
      }),
    )
}

function show(rows: readonly Static<typeof Propagation>[], terminal: Terminal): void {
  printTable(
    [
      'HOUR',
      'TABLE',
      'FROM',
      'TO',
      'N',
      'P50',
      'P95',
      'P99',
      'MAX',
      'BOUND',
      'BELOW 0',
      'NO CLOCK',
      'CORROSION',
    ],
    rows.map((row) => [
      `${row.hour.slice(0, 16)}Z`,
      row.table,
      row.origin_node_id,
      row.node_id,
      String(row.n),
      percentileText(row, 'p50'),
      percentileText(row, 'p95'),
      percentileText(row, 'p99'),
      durationText(row.max_ms),
      boundText(row.bound_ms),
      String(row.negatives),
      String(row.without_clock),
      durationText(row.corrosion_p99_lag_ms),
    ]),
    terminal,
  )
}

function parseHours(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < hourMs / 10 || ms > 28 * 24 * hourMs) {
    throw new InvalidArgumentError('Give a time from 6m to 28d, such as 1h.')
  }
  return ms / hourMs
}
