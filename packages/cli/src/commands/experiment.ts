import { createParser, type Experiment, ExperimentsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { parseExperimentId } from '../experiment-id.ts'
import {
  askExperiment,
  experimentPath,
  goesOn,
  isOver,
  parseExperiment,
} from '../experiment-progress.ts'
import { judge, showEnd, showResult } from '../experiment-result.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { registerExperimentBundle } from './experiment-bundle.ts'
import { registerExperimentCompare } from './experiment-compare.ts'
import { registerExperimentRun } from './experiment-run.ts'

export function registerExperiment(program: Command, terminal: Terminal): void {
  const experiment = program
    .command('experiment')
    .description('Measures how fast and how surely messages spread.')
  registerExperimentRun(experiment, terminal)
  registerList(experiment, terminal)
  registerShow(experiment, terminal)
  registerWatch(experiment, terminal)
  registerSteer(experiment, terminal)
  registerDelete(experiment, terminal)
  registerExperimentCompare(experiment, terminal)
  registerExperimentBundle(experiment, terminal)
}

function registerList(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('list'))
    .description('Lists experiments, the newest first.')
    .option('--limit <count>', 'at most so many', parseWhole(1, 200), 20)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport experiment list
  $ corroport experiment list --limit 100 --json`,
    )
    .action(
      terminal.action(async ({ limit, ...options }: GatewayOptions & { limit: number }) => {
        const path = withQuery('/api/experiments', { limit })
        const parse = createParser('experiments', ExperimentsReply)
        const reply = await openGateway(options, terminal).get(path, parse)
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        const rows = reply.experiments.map(({ experiment: { id, ...rest }, progress }) => [
          id,
          {
            text: rest.status,
            style: rest.status === 'interrupted' ? ('red' as const) : ('green' as const),
          },
          rest.plan.transports.length > 1 ? 'both' : (rest.plan.transports[0] ?? '–'),
          `${progress.sent}/${progress.planned}`,
          `${progress.acks}/${progress.expected_acks}`,
          `${rest.created_at.slice(0, 16)}Z`,
          rest.plan.name,
        ])
        const head = ['ID', 'STATUS', 'OVER', 'SENT', 'ACKS', 'CREATED', 'NAME']
        printTable(head, rows, terminal)
        if (reply.next !== null) terminal.note(`${rows.length} shown, there are more: --limit`)
        return 'ok'
      }),
    )
}

function registerShow(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('show'))
    .description('Shows an experiment and its figures, of what has arrived while it runs.')
    .argument('<id>', 'as experiment list prints it', parseExperimentId)
    .addHelpText(
      'after',
      `
Exits with 1 when the experiment was interrupted.

Examples:
  $ corroport experiment show gossip-baseline
  $ corroport experiment show gossip-baseline --json`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions) => {
        const gateway = openGateway(options, terminal)
        const state = await askExperiment(gateway, id)
        await showResult(gateway, state, options, terminal)
        return judge(state)
      }),
    )
}

function registerWatch(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('watch'))
    .description('Follows an experiment until it ends, and shows its figures.')
    .argument('<id>', 'of the experiment', parseExperimentId)
    .addHelpText(
      'after',
      `
Ctrl-C ends only the watching. Exits with 1 when the experiment was interrupted.

Example:
  $ corroport experiment watch gossip-baseline`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions) => {
        const gateway = openGateway(options, terminal)
        // With nothing there, it ends at once and not after the patience of following.
        await askExperiment(gateway, id)
        terminal.onInterrupt(`${id} ${goesOn(id)}`)
        return showEnd(gateway, id, options, terminal)
      }),
    )
}

const steps = [
  {
    verb: 'start',
    description: 'Starts an experiment that was only stored.',
    outcome: ({ status }: Experiment) => `is ${status}`,
  },
  {
    verb: 'stop',
    description: 'Sends no more; what was sent is counted.',
    // Its origins are told, and what they sent is waited for.
    outcome: (experiment: Experiment) =>
      isOver(experiment) ? `is ${experiment.status}` : 'is being stopped',
  },
] as const

function registerSteer(experiment: Command, terminal: Terminal): void {
  for (const { verb, description, outcome } of steps) {
    withGateway(experiment.command(verb))
      .description(description)
      .argument('<id>', 'of the experiment', parseExperimentId)
      .addHelpText(
        'after',
        `
Example:
  $ corroport experiment ${verb} gossip-baseline`,
      )
      .action(
        terminal.action(async (id: string, options: GatewayOptions) => {
          const gateway = openGateway(options, terminal)
          const state = await gateway.post(`${experimentPath(id)}/${verb}`, {}, parseExperiment)
          if (options.json) terminal.printJson(state)
          else terminal.print(`${id} ${outcome(state.experiment)}`)
          return 'ok'
        }),
      )
  }
}

function registerDelete(experiment: Command, terminal: Terminal): void {
  withYes(withGateway(experiment.command('delete')))
    .description('Forgets an experiment and its figures; not while it runs.')
    .argument('<id>', 'of the experiment', parseExperimentId)
    .addHelpText(
      'after',
      `
Example:
  $ corroport experiment delete gossip-baseline --yes`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions & YesOption) => {
        if (!(await isMeant(`Forget ${id} and its figures?`, options, terminal))) return 'failed'
        await openGateway(options, terminal).delete(experimentPath(id))
        if (options.json) terminal.printJson({ deleted: id })
        else terminal.print(`${id} is forgotten`)
        return 'ok'
      }),
    )
}
