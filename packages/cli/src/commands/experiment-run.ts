import {
  type ExperimentPlan,
  type ExperimentRequest,
  NodeId,
  type TransportFigures,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Value } from 'typebox/value'
import { readImport } from '../bundle/read-import.ts'
import { parseDuration } from '../duration.ts'
import { shareText } from '../experiment-figures.ts'
import { isExperimentId, parseExperimentId } from '../experiment-id.ts'
import { askExperiment, askFigures, askToStop, parseExperiment } from '../experiment-progress.ts'
import { showEnd } from '../experiment-result.ts'
import { type Exit, exitCodes, Failure } from '../failure.ts'
import { type Gateway, RefusedError } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { parsePercent } from '../percent.ts'
import { askPresentNodes } from '../present-nodes.ts'
import type { Terminal } from '../terminal.ts'

interface WatchOptions extends GatewayOptions {
  detach?: boolean
  maxLoss?: number
}

interface RunOptions extends WatchOptions {
  name?: string
  id?: string
  transport: 'gossip' | 'direct' | 'both'
  origins?: string[]
  count: number
  interval: number
  warmup?: number
  payload: number
  seed?: number
  note?: string
  repeat: number
}

export function registerExperimentRun(experiment: Command, terminal: Terminal): void {
  withWatch(withGateway(experiment.command('run')))
    .description('Runs an experiment, shows how far it is, and prints its figures.')
    .option('--name <text>', 'for people; a name of its own by default')
    .option('--id <id>', 'for programs; otherwise made of the name', parseExperimentId)
    .addOption(
      new Option('--transport <which>', 'through Corrosion, straight over NATS, or both in turn')
        .choices(['gossip', 'direct', 'both'])
        .default('gossip'),
    )
    .option('--origins <nodes>', 'a,b or all; by default the asked node', parseNames)
    .option(
      '--count <messages>',
      'of each transport; 0: until it is stopped',
      parseWhole(0, 1_000_000),
      200,
    )
    .addOption(
      new Option('--interval <time>', 'between two messages, 1ms to 1h')
        .argParser(parseInterval)
        .default(100, '100ms'),
    )
    .option(
      '--warmup <messages>',
      'of these, that are not counted (default: a tenth, 10 at most)',
      parseWhole(0, 100_000),
    )
    .option('--payload <bytes>', 'of each message', parseWhole(1, 65_536), 64)
    .option('--seed <number>', 'of the order and the contents', parseWhole(0, 2 ** 32 - 1))
    .option('--note <text>', 'kept with it')
    .option(
      '--repeat <times>',
      'so many runs of the same; with --json a line for each',
      parseWhole(1, 100),
      1,
    )
    .addHelpText(
      'after',
      `
Messages are sent at their intended times, whatever the answers do. Ctrl-C asks whether to stop the
experiment or to leave it running.
${watchExits}

Examples:
  $ corroport experiment run --transport both --count 200 --interval 100ms
  $ corroport experiment run --name nightly --origins all --repeat 5 --max-loss 0%
  $ corroport experiment run --count 10000 --interval 5ms --detach --json`,
    )
    .action(
      terminal.action(async (options: RunOptions) => {
        if (options.detach && options.repeat > 1) {
          throw new Failure('--repeat needs to wait: leave --detach out', { exit: 'usage' })
        }
        const gateway = openGateway(options, terminal)
        const plan = await planOf(gateway, options)
        return runSeries(gateway, plan, options, terminal)
      }),
    )

  withWatch(withGateway(experiment.command('rerun')))
    .description('Runs an experiment once more, as it was planned.')
    .argument('<what>', 'the id of an experiment, or what experiment import takes')
    .addHelpText(
      'after',
      `
The new one has the same plan and seed. Another cluster has other nodes: their names must be those of
the plan.
${watchExits}

Examples:
  $ corroport experiment rerun gossip-baseline
  $ corroport experiment rerun ./gossip-baseline.bundle/manifest.json --detach`,
    )
    .action(
      terminal.action(async (what: string, options: WatchOptions) => {
        const gateway = openGateway(options, terminal)
        const { plan, id } = await plannedIn(what, gateway)
        const request = await requestOf(plan, id, gateway)
        return runSeries(gateway, request, { ...options, repeat: 1 }, terminal)
      }),
    )
}

const watchExits = `Exits with 0 when it ends well, ${exitCodes.failed.code} when it is interrupted, ${exitCodes.worse.code} when more is lost than --max-loss.`

function withWatch(command: Command): Command {
  return command
    .addOption(new Option('--detach', 'print its id, do not wait for its end').conflicts('wait'))
    .option('--wait', 'wait for its end (the default)')
    .option('--max-loss <percent>', 'of the acknowledgements of each transport', parsePercent)
}

async function planOf(gateway: Gateway, options: RunOptions): Promise<ExperimentRequest> {
  const {
    id,
    name,
    transport,
    origins,
    count,
    interval,
    payload,
    warmup = Math.min(10, Math.floor(count / 10)),
    seed,
    note = '',
  } = options
  if (count > 0 && warmup >= count) {
    throw new Failure(
      `all ${count} messages are warm-up: give a --warmup that is less than --count`,
      { exit: 'usage' },
    )
  }
  return {
    ...(id !== undefined && { id }),
    name: name ?? `${transport} ${count === 0 ? 'by hand' : `${count} × ${interval} ms`}`,
    transport,
    ...(origins !== undefined && {
      origins: origins.includes('all') ? await askPresentNodes(gateway) : origins,
    }),
    count,
    interval_ms: interval,
    payload_bytes: payload,
    warmup,
    ...(seed !== undefined && { seed }),
    note,
  }
}

async function requestOf(
  { transports, repeat_of: first, ...plan }: ExperimentPlan,
  id: string,
  gateway: Gateway,
): Promise<ExperimentRequest> {
  const [transport = 'gossip'] = transports
  return {
    ...plan,
    transport: transports.length > 1 ? 'both' : transport,
    repeat_of: await findKnown(gateway, first === null ? [id] : [first, id]),
  }
}

/** A bundle may come from another cluster, and the first of a series may be deleted. */
async function findKnown(gateway: Gateway, ids: readonly string[]): Promise<string | null> {
  for (const id of ids) {
    try {
      return (await askExperiment(gateway, id)).experiment.id
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 404)) throw error
    }
  }
  return null
}

async function plannedIn(
  what: string,
  gateway: Gateway,
): Promise<{ plan: ExperimentPlan; id: string }> {
  // An id has no dot or slash; a path that looks like one is written ./so.
  if (isExperimentId(what)) return (await askExperiment(gateway, what)).experiment
  return (await readImport(what)).experiment
}

async function runSeries(
  gateway: Gateway,
  request: ExperimentRequest,
  options: WatchOptions & { repeat: number },
  terminal: Terminal,
): Promise<Exit> {
  const ids: string[] = []
  let worst: Exit = 'ok'
  for (let run = 1; run <= options.repeat; run += 1) {
    const isRepeated = options.repeat > 1
    const [first] = ids
    const { experiment } = await gateway.post(
      '/api/experiments',
      {
        ...request,
        ...(isRepeated && request.id !== undefined && { id: `${request.id}-${run}` }),
        ...(first !== undefined && { repeat_of: first }),
        // Like runs differ in the order of their transports.
        ...(request.seed !== undefined && { seed: (request.seed + run - 1) % 2 ** 32 }),
      },
      parseExperiment,
    )
    ids.push(experiment.id)
    if (options.detach) {
      if (options.json) terminal.printJson({ experiment })
      else terminal.print(experiment.id)
      return 'ok'
    }
    terminal.onInterrupt(askToStop(gateway, experiment.id, terminal))
    await showEnd(gateway, experiment.id, options, terminal)
    if (await exceedsLoss(gateway, experiment.id, options, terminal)) worst = 'worse'
  }
  if (ids.length > 1 && !options.json) {
    terminal.print('')
    terminal.print(`a series of ${ids.length}: corroport experiment compare ${ids[0]}+ <another>`)
  }
  return worst
}

async function exceedsLoss(
  gateway: Gateway,
  id: string,
  { maxLoss }: WatchOptions,
  terminal: Terminal,
): Promise<boolean> {
  if (maxLoss === undefined) return false
  const { transports } = await askFigures(gateway, id)
  const over = transports.filter((of) => lossOf(of) > maxLoss)
  for (const of of over) {
    terminal.note(
      `corroport: ${id} lost ${shareText(lossOf(of))} over ${of.transport}, more than ${shareText(maxLoss)}`,
    )
  }
  return over.length > 0
}

/** Nothing delivered of nothing expected is no success, so it counts as everything lost. */
function lossOf({ counts: { expected_acks: expected, lost } }: TransportFigures): number {
  return expected === 0 ? 1 : lost / expected
}

function parseNames(text: string): string[] {
  const names = text.split(',')
  if (!names.every((name) => Value.Check(NodeId, name))) {
    throw new InvalidArgumentError('Give names such as node1,node2 or the word all.')
  }
  return names
}

function parseInterval(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1 || ms > 3_600_000) {
    throw new InvalidArgumentError('Give a time from 1ms to 1h, such as 100ms.')
  }
  return ms
}
