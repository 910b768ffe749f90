import { type Comparison, ComparisonReply, createParser } from '@corroport/contracts'
import { type Command, InvalidArgumentError } from 'commander'
import type { Static } from 'typebox'
import { formatDuration } from '../duration.ts'
import { shareText } from '../experiment-figures.ts'
import { type Exit, exitCodes, Failure } from '../failure.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { judgeLimits, type Limit, parseLimit } from '../limits.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface CompareOptions extends GatewayOptions {
  failIf: Limit[]
  seed?: number
}

export function registerExperimentCompare(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('compare'))
    .description('Says whether two experiments differ, by how much, and how surely.')
    .argument('<a>', 'one experiment, or a series: a1,a2,a3', parseIds)
    .argument('<b>', 'the other; the same once more checks the bench itself: A versus A', parseIds)
    .option('--fail-if <limit>', 'slower:10% or loss:0.1%; may be given again', addLimit, [])
    .option('--seed <number>', 'of the resampling', parseWhole(0, 999_999_999))
    .addHelpText(
      'after',
      `
b is held against a. slower: median or 95th percentile that are different, and by more than that;
loss: so much more of the acknowledgements. Exits with ${exitCodes.worse.code} when a limit is passed, and with ${exitCodes.failed.code} when too
little was measured to judge it.

Examples:
  $ corroport experiment compare gossip-baseline gossip-fanout5
  $ corroport experiment compare a1,a2,a3,a4,a5 b1,b2,b3,b4,b5 --fail-if slower:10%
  $ corroport experiment compare gossip-baseline gossip-baseline`,
    )
    .action(
      terminal.action(async (a: string[], b: string[], options: CompareOptions) => {
        const query = { a: a.join(','), b: b.join(','), seed: options.seed }
        const { comparison } = await openGateway(options, terminal).get(
          withQuery('/api/experiments/compare', query),
          createParser('comparison', ComparisonReply),
        )
        if (options.json) terminal.printJson(comparison)
        else show(comparison, terminal)
        return judge(comparison, options.failIf, terminal)
      }),
    )
}

function judge(
  comparison: Static<typeof Comparison>,
  limits: readonly Limit[],
  terminal: Terminal,
): Exit {
  const judged = judgeLimits(limits, comparison.figures)
  for (const { text } of judged) terminal.note(text)
  if (judged.some(({ outcome }) => outcome === 'passed')) return 'worse'
  if (judged.some(({ outcome }) => outcome === 'unknown')) {
    throw new Failure('too little was measured to judge a --fail-if')
  }
  return 'ok'
}

function show(comparison: Static<typeof Comparison>, terminal: Terminal): void {
  const { a, b, figures, unit, units, resamples, seed, warnings, sentence } = comparison
  terminal.print(sentence)
  terminal.print('')
  const rows = figures.map((figure): Part[] => {
    const format = figure.unit === 'ms' ? formatDuration : shareText
    const shown = (value: number | null) => (value === null ? '–' : signless(value, format))
    return [
      `${figure.transport} ${figure.figure}`,
      shown(figure.a),
      shown(figure.b),
      figure.difference === null ? '–' : signed(figure.difference, format),
      figure.interval === null
        ? '–'
        : `${signed(figure.interval[0], format)} to ${signed(figure.interval[1], format)}`,
      figure.relative === null ? '–' : signed(figure.relative, shareText),
      figure.p_value === null ? '–' : figure.p_value.toFixed(4),
      shown(figure.smallest_effect),
      { text: figure.verdict, style: figure.verdict === 'different' ? 'yellow' : 'dim' },
    ]
  })
  const head = [
    'FIGURE',
    'A',
    'B',
    'B - A',
    '95 % INTERVAL',
    'RELATIVE',
    'P',
    'SEEN FROM',
    'VERDICT',
  ]
  printTable(head, rows, terminal)
  terminal.print('')
  terminal.print(
    `a: ${a.messages} messages, ${a.acks} acks; b: ${b.messages} messages, ${b.acks} acks; `,
    `${units[0]} and ${units[1]} ${unit} drawn ${resamples} times, seed ${seed}`,
  )
  for (const warning of warnings)
    terminal.print({ text: 'warning', style: 'yellow' }, `: ${warning}`)
}

function signless(value: number, format: (value: number) => string): string {
  return value < 0 ? signed(value, format) : format(value)
}

function signed(value: number, format: (value: number) => string): string {
  return `${value < 0 ? '-' : '+'}${format(Math.abs(value))}`
}

function parseIds(text: string): string[] {
  const ids = text.split(',')
  if (ids.length > 100 || !ids.every((id) => /^[a-zA-Z0-9_-]{1,64}$/.test(id))) {
    throw new InvalidArgumentError('Give the id of an experiment, or up to 100 with commas.')
  }
  return ids
}

function addLimit(text: string, before: readonly Limit[]): Limit[] {
  return [...before, parseLimit(text)]
}
