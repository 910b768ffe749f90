import { type ClusterMember, createParser, MembersReply } from '@corroport/contracts'
import { Argument, type Command } from 'commander'
import { type Exit, Failure } from '../failure.ts'
import type { Gateway } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, timeoutOption, withGateway } from '../gateway-options.ts'
import { lookAgain } from '../look-again.ts'
import type { Terminal } from '../terminal.ts'
import { askConvergence, differences } from './cluster-convergence.ts'
import { awaitReady } from './cluster-status.ts'

type What = 'ready' | 'converged' | 'left'

interface WaitOptions extends GatewayOptions {
  timeout: number
}

export function registerWait(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('wait'))
    .description('Waits until all is well, all nodes have the same rows, or a node has left.')
    .addArgument(new Argument('<what>').choices(['ready', 'converged', 'left']))
    .argument('[node-id]', 'who is to leave; without it the asked node')
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Exits with 1 when it was not so in the time. Nodes that are written to all the time are hardly ever seen
converged: their rows are read at different moments.

Examples:
  $ corroport cluster wait ready --timeout 60s
  $ corroport cluster wait converged
  $ corroport cluster wait left node3`,
    )
    .action(
      terminal.action(async (what: What, nodeId: string | undefined, options: WaitOptions) => {
        const gateway = openGateway(options, terminal)
        if (what === 'ready') return waitReady(gateway, options, terminal)
        if (what === 'converged') return waitConverged(gateway, options, terminal)
        return waitLeft(gateway, nodeId, options, terminal)
      }),
    )
}

async function waitReady(
  gateway: Gateway,
  options: WaitOptions,
  terminal: Terminal,
): Promise<Exit> {
  const status = await awaitReady(gateway, options.timeout)
  const { overall, planes, disagreements } = status
  if (overall === 'ok') return tell(status, `${status.node.id} is ready`, options, terminal)
  const ill = Object.entries(planes).filter(([, { state }]) => state !== 'ok' && state !== 'none')
  throw new Failure(`${status.node.id} is ${overall} after ${options.timeout / 1000} s`, {
    details: [
      ...ill.map(
        ([name, { state, error }]) => `${name} is ${state}${error === null ? '' : `: ${error}`}`,
      ),
      ...disagreements.map(({ detail }) => detail),
    ],
  })
}

async function waitConverged(
  gateway: Gateway,
  options: WaitOptions,
  terminal: Terminal,
): Promise<Exit> {
  const { timeout } = options
  const endsAt = performance.now() + timeout
  const look = () => askConvergence(gateway)
  for await (const reply of lookAgain(look, { everyMs: 1000, silentMs: timeout })) {
    if (reply.is_converged) {
      return tell(reply, `${reply.answered.length} nodes have the same rows`, options, terminal)
    }
    if (performance.now() >= endsAt) {
      throw new Failure(`not converged after ${timeout / 1000} s`, { details: differences(reply) })
    }
  }
  throw new Error('unreachable: looking again ends with an error')
}

async function waitLeft(
  gateway: Gateway,
  nodeId: string | undefined,
  options: WaitOptions,
  terminal: Terminal,
): Promise<Exit> {
  const parse = createParser('members', MembersReply)
  const look = () => gateway.get('/api/cluster/members', parse)
  const endsAt = performance.now() + options.timeout
  for await (const { members } of lookAgain(look, { everyMs: 500, silentMs: options.timeout })) {
    const member = members.find(({ node_id, is_local }) =>
      nodeId === undefined ? is_local : node_id === nodeId,
    )
    if (member === undefined)
      throw new Failure(`${nodeId ?? gateway.name} is not among the members`)
    if (member.state === 'left') return tell(member, `${who(member)} has left`, options, terminal)
    if (performance.now() >= endsAt) {
      throw new Failure(
        `${who(member)} is ${member.state ?? 'in no known state'} after ${options.timeout / 1000} s`,
      )
    }
  }
  throw new Error('unreachable: looking again ends with an error')
}

function who({ node_id }: ClusterMember): string {
  return node_id ?? 'the node'
}

function tell(answer: object, text: string, { json }: GatewayOptions, terminal: Terminal): Exit {
  if (json) terminal.printJson(answer)
  else terminal.print(text)
  return 'ok'
}
