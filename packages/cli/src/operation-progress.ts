import {
  createParser,
  fromTimestamp,
  type Operation,
  OperationReply,
  type OperationStep,
} from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from './duration.ts'
import { type Exit, Failure } from './failure.ts'
import type { Gateway } from './gateway-client.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { lookAgain } from './look-again.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

export interface OperationOptions extends GatewayOptions {
  wait: boolean
}

const parseReply = createParser('operation', OperationReply)
// A gateway may be restarted while its node's agent is.
const patience = { everyMs: 200, silentMs: 60_000 }

export function withWait(command: Command): Command {
  return command.option('--no-wait', 'print the id of the operation, do not wait for its end')
}

/** Begins an operation and, unless told otherwise, shows each step of it as it ends. */
export async function runOperation(
  { gateway, path, body }: { gateway: Gateway; path: string; body: object },
  options: OperationOptions,
  terminal: Terminal,
): Promise<Exit> {
  const { operation } = await gateway.post(path, body, parseReply)
  if (!options.wait) {
    if (options.json) terminal.printJson(operation)
    else terminal.print(operation.id)
    return 'ok'
  }
  const ended = await followOperation(gateway, operation, options, terminal)
  if (options.json) terminal.printJson(ended)
  return judge(ended, options, terminal)
}

/** Prints each step when it has ended. Resolves with the operation at its end. */
export async function followOperation(
  gateway: Gateway,
  { id, kind, node_id }: Operation,
  { json = false }: GatewayOptions,
  terminal: Terminal,
): Promise<Operation> {
  terminal.onInterrupt(`the ${kind} of ${node_id} goes on: corroport cluster operations ${id}`)
  const path = `/api/cluster/operations/${encodeURIComponent(id)}`
  const told = new Set<number>()
  for await (const { operation } of lookAgain(() => gateway.get(path, parseReply), patience)) {
    // By their place: a step may run beside others, and a name may come twice.
    for (const [index, step] of operation.steps.entries()) {
      if (step.state === 'running' || told.has(index)) continue
      told.add(index)
      if (!json) terminal.print(...lineOf(step))
    }
    if (operation.state !== 'running') return operation
  }
  throw new Error('unreachable: looking again ends with an error')
}

function judge(operation: Operation, { json = false }: GatewayOptions, terminal: Terminal): Exit {
  const { id, kind, node_id, state, reason } = operation
  if (state !== 'succeeded') {
    const why = reason === null ? '' : `: ${reason}`
    throw new Failure(`${kind} of ${node_id} ${state}${why} (${id})`)
  }
  if (!json)
    terminal.print(`${kind} of ${node_id} succeeded in ${formatDuration(tookMs(operation))}`)
  return 'ok'
}

/** By the clock of its node; so far, while it runs. */
export function tookMs({ started_at, finished_at }: Operation): number {
  const end = finished_at === null ? Date.now() * 1000 : (fromTimestamp(finished_at) ?? 0)
  return Math.max(0, end - (fromTimestamp(started_at) ?? end)) / 1000
}

export function lineOf({ name, state, detail, ms }: OperationStep): Part[] {
  const styles = { done: 'green', failed: 'red', skipped: 'dim', running: 'yellow' } as const
  return [
    '  ',
    { text: state.padEnd(7), style: styles[state] },
    `  ${name.padEnd(15)}  ${(ms === null ? '' : formatDuration(ms)).padStart(8)}`,
    detail === null ? '' : `  ${detail}`,
  ]
}
