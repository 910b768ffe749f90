import {
  createParser,
  type Experiment,
  type ExperimentFigures,
  type ExperimentProgress,
  ExperimentReply,
  FiguresReply,
} from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { Failure } from './failure.ts'
import type { Gateway } from './gateway-client.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { lookAgain } from './look-again.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

export interface ExperimentState {
  experiment: Experiment
  progress: ExperimentProgress
}

export const parseExperiment = createParser('experiment', ExperimentReply)
const parseFigures = createParser('figures', FiguresReply)
// Analytics may be restarted in the middle, and its successor takes over in seconds.
const patience = { everyMs: 300, silentMs: 60_000 }
const barWidth = 24

export function experimentPath(id: string): string {
  return `/api/experiments/${encodeURIComponent(id)}`
}

export function askExperiment(gateway: Gateway, id: string): Promise<ExperimentState> {
  return gateway.get(experimentPath(id), parseExperiment)
}

/** Of what has arrived, while it runs. */
export async function askFigures(gateway: Gateway, id: string): Promise<ExperimentFigures> {
  return (await gateway.get(`${experimentPath(id)}/figures`, parseFigures)).figures
}

export function isOver({ status }: Experiment): boolean {
  return status === 'finished' || status === 'stopped' || status === 'interrupted'
}

export interface FollowOptions extends GatewayOptions {
  /** So long at most; without it, as long as it takes. */
  waitMs?: number
}

/** Shows how far an experiment is until it ends. One that was never started does not end. */
export async function followExperiment(
  gateway: Gateway,
  id: string,
  { json = false, waitMs = Number.POSITIVE_INFINITY }: FollowOptions,
  terminal: Terminal,
): Promise<ExperimentState> {
  const endsAt = performance.now() + waitMs
  let milestone = ''
  const say = (line: readonly Part[], next: string): void => {
    if (!json) terminal.progress(line, next !== milestone)
    milestone = next
    if (performance.now() < endsAt) return
    throw new Failure(`${id} has not ended in time and ${goesOn(id)}`, { exit: 'missing' })
  }
  const look = () => askExperiment(gateway, id)
  const sayWhyNot = ({ message }: Error): void =>
    say([{ text: id, style: 'bold' }, `  no answer: ${message}`], message)
  for await (const state of lookAgain(look, patience, sayWhyNot)) {
    const { experiment, progress } = state
    if (isOver(experiment)) return state
    if (experiment.status === 'created') {
      throw new Failure(`${id} is not started: corroport experiment start ${id}`)
    }
    say(progressLine(state), `${experiment.status} ${Math.floor(shareOf(progress) * 10)}`)
  }
  throw new Error('unreachable: looking again ends with an error')
}

export function goesOn(id: string): string {
  return `goes on: corroport experiment watch ${id}`
}

/** What is said when a person has seen enough of a running experiment; asked whether to stop it. */
export function askToStop(gateway: Gateway, id: string, terminal: Terminal): () => Promise<string> {
  return async () => {
    const isToStop = await terminal.confirm(`Stop ${id} too? Otherwise it goes on without you.`)
    if (!isToStop) return `${id} ${goesOn(id)}`
    try {
      await gateway.post(`${experimentPath(id)}/stop`, {}, parseExperiment)
      return `${id} is stopped; what was sent is counted: corroport experiment show ${id}`
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return `not stopped: ${error.message}: corroport experiment show ${id}`
    }
  }
}

function shareOf({ planned, sent, skipped, failed, expected_acks, acks }: ExperimentProgress) {
  if (planned === 0) return 0
  // The acknowledgements of what is still to be sent are not expected yet.
  const perMessage = expected_acks / Math.max(1, sent - failed)
  const all = planned * (1 + perMessage)
  return Math.min(1, (sent + skipped * (1 + perMessage) + failed * perMessage + acks) / all)
}

function progressLine({ experiment, progress }: ExperimentState): Part[] {
  const { planned, sent, skipped, failed, acks, expected_acks } = progress
  const filled = Math.round(shareOf(progress) * barWidth)
  const left = leftMs(experiment, progress)
  return [
    { text: experiment.id, style: 'bold' },
    `  ${experiment.status}  `,
    ...(planned === 0
      ? []
      : [
          '[',
          { text: '#'.repeat(filled), style: 'green' } as const,
          `${'.'.repeat(barWidth - filled)}]  `,
        ]),
    planned === 0 ? `${sent} sent` : `${sent} of ${planned} sent`,
    `, ${acks} of ${expected_acks} acks`,
    ...(failed > 0 ? [', ', { text: `${failed} failed`, style: 'red' } as const] : []),
    ...(skipped > 0 ? [', ', { text: `${skipped} skipped`, style: 'red' } as const] : []),
    ...(left === undefined ? [] : [`, ${formatDuration(left)} to send`]),
  ]
}

function leftMs(
  { status, plan }: Experiment,
  { planned, sent, skipped }: ExperimentProgress,
): number | undefined {
  const left = (planned - sent - skipped) * plan.interval_ms
  return status === 'running' && left > 0 ? left : undefined
}
