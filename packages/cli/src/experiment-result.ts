import type { Experiment } from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { printFigures } from './experiment-figures.ts'
import { askFigures, type ExperimentState } from './experiment-progress.ts'
import { type Exit, Failure } from './failure.ts'
import type { Gateway } from './gateway-client.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { Terminal } from './terminal.ts'

/** Prints an ended experiment with its figures, and says whether it went as planned. */
export async function showResult(
  gateway: Gateway,
  state: ExperimentState,
  { json = false }: GatewayOptions,
  terminal: Terminal,
): Promise<Exit> {
  const { id, status, reason } = state.experiment
  const figures = await askFigures(gateway, id)
  if (json) terminal.printJson({ ...state, figures })
  else {
    printExperiment(state.experiment, terminal)
    printFigures(figures, terminal)
    for (const share of state.experiment.shares) {
      if (share.reason === null) continue
      terminal.print({ text: share.node_id, style: 'yellow' }, ` ${share.state}: ${share.reason}`)
    }
  }
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
  const count = plan.count === 0 ? 'whatever was sent' : `${plan.count} messages`
  terminal.print(
    `${count} over ${plan.transports.join(' and ')}, one every ${formatDuration(plan.interval_ms)} from `,
    `${plan.origins.join(', ')} in turn, ${plan.payload_bytes} bytes, seed ${plan.seed}`,
  )
  terminal.print(
    `${expected.length} nodes: ${expected.join(', ')}`,
    environment === null
      ? ''
      : `; ${Object.entries(environment.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', ')}`,
  )
  if (from !== null) terminal.print({ text: 'imported', style: 'yellow' }, ` from ${from}`)
}
