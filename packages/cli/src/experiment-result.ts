import type { Experiment, ExperimentEnvironment } from '@corroport/contracts'
import { printClocks } from './clock-offset.ts'
import { printFigures } from './experiment-figures.ts'
import {
  askFigures,
  type ExperimentState,
  type FollowOptions,
  followExperiment,
} from './experiment-progress.ts'
import { type Exit, Failure } from './failure.ts'
import type { Gateway } from './gateway-client.ts'
import type { Terminal } from './terminal.ts'

export interface ResultOptions extends FollowOptions {
  /** Each of several has one line of JSON. */
  repeat?: number
}

/** Follows an experiment to its end; shows its figures, and the clocks beside them. */
export async function showEnd(
  gateway: Gateway,
  id: string,
  options: ResultOptions,
  terminal: Terminal,
): Promise<Exit> {
  const state = await followExperiment(gateway, id, options, terminal)
  await showResult(gateway, state, options, terminal)
  if (!options.json) await printClocks(gateway, state.experiment.expected, terminal)
  return judge(state)
}

/** Shows an experiment with its figures as they are. */
export async function showResult(
  gateway: Gateway,
  state: ExperimentState,
  { json = false, repeat = 1 }: ResultOptions,
  terminal: Terminal,
): Promise<void> {
  const { experiment } = state
  const figures = await askFigures(gateway, experiment.id)
  if (json) {
    terminal.printJson({ ...state, figures }, repeat > 1 ? 'line' : 'block')
    return
  }
  printExperiment(experiment, terminal)
  printFigures(figures, terminal)
  for (const { node_id, state: at, reason } of experiment.shares) {
    if (reason === null || reason === experiment.reason) continue
    terminal.print({ text: node_id, style: 'yellow' }, ` ${at}: ${reason}`)
  }
}

/** Whether an experiment went as planned. */
export function judge({ experiment: { id, status, reason } }: ExperimentState): Exit {
  if (status === 'interrupted') throw new Failure(`${id} was interrupted: ${reason ?? 'no reason'}`)
  return 'ok'
}

function printExperiment(experiment: Experiment, terminal: Terminal): void {
  const { id, plan, status, reason, expected, environment, imported_from: from } = experiment
  terminal.print(
    { text: id, style: 'bold' },
    `  ${status}${reason === null ? '' : `: ${reason}`}`,
    plan.name === id ? '' : `  (${plan.name})`,
  )
  const what =
    plan.count === 0
      ? `whatever was sent over ${plan.transports.join(' and ')}`
      : `${plan.count} messages over ${plan.transports.join(' and ')}, one every ${plan.interval_ms} ms`
  terminal.print(
    `${what} from ${plan.origins.join(', ')}${plan.origins.length > 1 ? ' in turn' : ''}, `,
    `${plan.payload_bytes} bytes, seed ${plan.seed}`,
  )
  const parts = environment === null ? [] : partsOf(environment)
  terminal.print([`${expected.length} nodes: ${expected.join(', ')}`, ...parts].join('; '))
  if (from !== null) terminal.print({ text: 'imported', style: 'yellow' }, ` from ${from}`)
}

/** `real agents 0.1.4`, and `nats 2.12.1, postgres 18.4` */
function partsOf({ nodes, versions }: ExperimentEnvironment): string[] {
  const agents = nodes.map(
    ({ agent_kind: kind, agent_version: version }) =>
      `${kind ?? 'unknown'} agents${version === null ? '' : ` ${version}`}`,
  )
  const services = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [[...new Set(agents)].join(', '), services.join(', ')].filter((text) => text !== '')
}
