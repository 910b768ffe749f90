import {
  type Comparison,
  ComparisonReply,
  createParser,
  ExperimentsReply,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError } from 'commander'
import type { Static } from 'typebox'
import { formatDuration } from '../duration.ts'
import { shareText } from '../experiment-figures.ts'
import { isExperimentId } from '../experiment-id.ts'
import { type Exit, exitCodes, Failure } from '../failure.ts'
import { type Gateway, withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { judgeLimits, type Limit, parseLimit } from '../limits.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface CompareOptions extends GatewayOptions {
  failIf?: Limit[]
  seed?: number
}

export function registerExperimentCompare(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('compare'))
    .description('Says whether two experiments differ, by how much, and how surely.')
    .argument('<a>', 'one experiment, or several: a1,a2,a3; a1+ is a1 and its repeats', parseIds)
    .argument('<b>', 'the other; the same once more checks the bench itself: A versus A', parseIds)
    .option('--fail-if <limit>', 'slower:10% or loss:0.1%; may be given again', addLimit)
    .option('--seed <number>', 'of the resampling', parseWhole(0, 2 ** 32 - 1))
    .addHelpText(
      'after',
      `
b is held against a. slower: median or 95th percentile that are different, and by more than that;
loss: so much more of the acknowledgements. Exits with ${exitCodes.worse.code} when a limit is passed, and with ${exitCodes.failed.code} when too
little was measured to judge it.

Examples:
  $ corroport experiment compare gossip-baseline gossip-fanout5
  $ corroport experiment compare before-1+ after-1+ --fail-if slower:10%
  $ corroport experiment compare gossip-baseline gossip-baseline`,
    )
    .action(
      terminal.action(async (a: string[], b: string[], options: CompareOptions) => {
        const gateway = openGateway(options, terminal)
        const query = {
          a: (await withRepeats(gateway, a)).join(','),
          b: (await withRepeats(gateway, b)).join(','),
          seed: options.seed,
        }
        const { comparison } = await gateway.get(
          withQuery('/api/experiments/compare', query),
          createParser('comparison', ComparisonReply),
        )
        if (options.json) terminal.printJson(comparison)
        else show(comparison, terminal)
        return judge(comparison, options.failIf ?? [], terminal)
      }),
    )
}

/** With all that repeat those that end in `+`. */
async function withRepeats(gateway: Gateway, ids: readonly string[]): Promise<string[]> {
  const all: string[] = []
  for (const id of ids) {
    if (id.endsWith('+')) all.push(...(await seriesOf(gateway, id.slice(0, -1))))
    else all.push(id)
  }
  return all
}

async function seriesOf(gateway: Gateway, first: string): Promise<string[]> {
  const series = [first]
  let before: string | undefined
  do {
    const page = await gateway.get(
      withQuery('/api/experiments', { limit: 200, before }),
      createParser('experiments', ExperimentsReply),
    )
    const experiments = page.experiments.map(({ experiment }) => experiment)
    series.push(...experiments.filter(({ plan }) => plan.repeat_of === first).map(({ id }) => id))
    // The newest come first, and what repeats an experiment is newer than it.
    before = experiments.some(({ id }) => id === first) ? undefined : (page.next ?? undefined)
  } while (before !== undefined)
  return series
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
  if (ids.length > 100 || !ids.every((id) => isExperimentId(id.replace(/\+$/, '')))) {
    throw new InvalidArgumentError('Give the id of an experiment, or up to 100 with commas.')
  }
  return ids
}

function addLimit(text: string, before: readonly Limit[] = []): Limit[] {
  return [...before, parseLimit(text)]
}
