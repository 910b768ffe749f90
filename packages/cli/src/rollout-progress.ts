import { createParser, type Rollout, RolloutReply, type RolloutStep } from '@corroport/contracts'
import { formatDuration, formatTimeOfDay } from './duration.ts'
import { type Exit, Failure } from './failure.ts'
import type { Gateway } from './gateway-client.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { lookAgain } from './look-again.ts'
import type { Terminal } from './terminal.ts'
import type { Part, Style } from './text.ts'

export const parseRollout = createParser('rollout', RolloutReply)
// Long enough for the asked gateway's node to be taken over or restarted.
const patience = { everyMs: 300, silentMs: 60_000 }

export function rolloutPath(id: string): string {
  return `/api/config/rollouts/${encodeURIComponent(id)}`
}

export function isOver({ state }: Rollout): boolean {
  return state === 'succeeded' || state === 'stopped' || state === 'aborted'
}

/** Prints a line for each step of each node. Resolves with the rollout at its end. */
export async function followRollout(
  gateway: Gateway,
  id: string,
  { json = false }: GatewayOptions,
  terminal: Terminal,
): Promise<Rollout> {
  terminal.onInterrupt(`the rollout goes on: corroport config rollouts ${id} --watch`)
  let before: Rollout | undefined
  const look = () => gateway.get(rolloutPath(id), parseRollout)
  for await (const { rollout } of lookAgain(look, patience)) {
    if (!json) for (const line of newsOf(rollout, before)) terminal.print(...line)
    before = rollout
    if (isOver(rollout)) return rollout
  }
  throw new Error('unreachable: looking again ends with an error')
}

export function judgeRollout(rollout: Rollout, terminal: Terminal, { json }: GatewayOptions): Exit {
  const { id, state, reason, nodes } = rollout
  if (state === 'succeeded') {
    if (!json) terminal.print(`${id} succeeded on ${nodes.length} nodes`)
    return 'ok'
  }
  const why = reason === null ? '' : `: ${reason}`
  throw new Failure(`${id} ${state}${why}`, {
    details: nodes.flatMap(({ node_id, state: at, reason: own }) =>
      own === null ? [] : [`${node_id} ${at}: ${own}`],
    ),
  })
}

const stepStyles: Readonly<Record<RolloutStep['state'], Style>> = {
  waiting: 'dim',
  applying: 'cyan',
  checking: 'cyan',
  done: 'green',
  'rolling-back': 'yellow',
  'rolled-back': 'red',
  failed: 'red',
  skipped: 'dim',
}

/** What is different from the last look; states that passed between two looks are not told. */
function newsOf(rollout: Rollout, before: Rollout | undefined): Part[][] {
  const stamp = `${formatTimeOfDay(new Date())}  `
  const news: Part[][] = []
  if (before && before.coordinator !== rollout.coordinator) {
    news.push([stamp, `${rollout.coordinator} took over from ${before.coordinator}`])
  }
  for (const step of rollout.nodes) {
    const last = before?.nodes.find(({ node_id }) => node_id === step.node_id)
    if (step.state === (last?.state ?? 'waiting')) continue
    news.push([stamp, `${step.node_id}  `, ...stepParts(step)])
  }
  if (rollout.state !== (before?.state ?? 'running') && !isOver(rollout)) {
    news.push([stamp, { text: rollout.state, style: 'yellow' }])
  }
  return news
}

/** `done  stop 6.0 s, start 3.10 ms`; the reason where there is one. */
export function stepParts({ state, steps_ms, reason }: RolloutStep): Part[] {
  const times = Object.entries(steps_ms).map(([name, ms]) => `${name} ${formatDuration(ms)}`)
  const details = [...times, ...(reason === null ? [] : [reason])].join(', ')
  const style = stepStyles[state]
  return details === ''
    ? [{ text: state, style }]
    : [{ text: state.padEnd(12), style }, `  ${details}`]
}
