import { createParser, type Operation, OperationReply, OperationsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from '../duration.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseTimeout, withGateway } from '../gateway-options.ts'
import {
  lineOf,
  type OperationOptions,
  runOperation,
  tookMs,
  withWait,
} from '../operation-progress.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { registerConvergence } from './cluster-convergence.ts'
import { registerMembers } from './cluster-members.ts'
import { registerRoundTrips } from './cluster-round-trips.ts'
import { registerClusterStatus } from './cluster-status.ts'
import { registerWait } from './cluster-wait.ts'

interface TimeoutOptions extends OperationOptions {
  timeout?: number
}

interface ConfirmOptions extends OperationOptions {
  confirm: string
}

export function registerCluster(program: Command, terminal: Terminal): void {
  const cluster = program
    .command('cluster')
    .description('The cluster: how its planes do, who belongs to it, who comes and goes.')
  registerClusterStatus(cluster, terminal)
  registerMembers(cluster, terminal)
  registerRoundTrips(cluster, terminal)
  registerConvergence(cluster, terminal)
  registerJoin(cluster, terminal)
  registerLeave(cluster, terminal)
  registerRemove(cluster, terminal)
  registerWipe(cluster, terminal)
  registerWait(cluster, terminal)
  registerOperations(cluster, terminal)
}

function registerJoin(cluster: Command, terminal: Terminal): void {
  withWait(withGateway(cluster.command('join')))
    .description('Makes the asked node a member of the cluster of these seeds.')
    .argument('<seeds...>', 'gossip addresses; one that answers is enough')
    .option('--timeout <time>', 'until all is verified, such as 30s', parseTimeout)
    .addHelpText(
      'after',
      `
Checks first and changes nothing where a check fails. Done when another node sees this one and this
one sees another; otherwise the previous configuration is put back.

Example:
  $ corroport cluster join 10.0.0.1:8787 10.0.0.2:8787 --node 3 --timeout 60s`,
    )
    .action(
      terminal.action(async (seeds: string[], options: TimeoutOptions) => {
        const gateway = openGateway(options, terminal)
        const body = { seeds, timeout_ms: options.timeout }
        return runOperation({ gateway, path: '/api/cluster/join', body }, options, terminal)
      }),
    )
}

function registerLeave(cluster: Command, terminal: Terminal): void {
  withWait(withGateway(cluster.command('leave')))
    .description('Drains the asked node and stops its agent. Its data stays; join brings it back.')
    .requiredOption('--confirm <node-id>', 'the id of that node')
    .option('--timeout <time>', 'for draining, such as 30s', parseTimeout)
    .addHelpText(
      'after',
      `
Example:
  $ corroport cluster leave --node 3 --confirm node3`,
    )
    .action(
      terminal.action(async ({ confirm, timeout, ...options }: ConfirmOptions & TimeoutOptions) => {
        const gateway = openGateway(options, terminal)
        const body = { confirm, timeout_ms: timeout }
        return runOperation({ gateway, path: '/api/cluster/leave', body }, options, terminal)
      }),
    )
}

function registerRemove(cluster: Command, terminal: Terminal): void {
  withWait(withGateway(cluster.command('remove')))
    .description('Forgets a node that has left: nobody is expected to hear from it any more.')
    .argument('<node-id>', 'the node to forget')
    .requiredOption('--confirm <node-id>', 'the same id again')
    .option('--force', 'although it has not left')
    .addHelpText(
      'after',
      `
Asked of any other node that is active.

Example:
  $ corroport cluster remove node3 --confirm node3`,
    )
    .action(
      terminal.action(async (nodeId: string, options: ConfirmOptions & { force?: boolean }) => {
        const gateway = openGateway(options, terminal)
        const { confirm, force = false } = options
        const body = { node_id: nodeId, confirm, force }
        return runOperation({ gateway, path: '/api/cluster/remove', body }, options, terminal)
      }),
    )
}

function registerWipe(cluster: Command, terminal: Terminal): void {
  withWait(withGateway(cluster.command('wipe')))
    .description("Deletes the database of the asked node's agent. Only of a node that has left.")
    .requiredOption('--confirm <node-id>', 'the id of that node')
    .addHelpText(
      'after',
      `
Example:
  $ corroport cluster wipe --node 3 --confirm node3`,
    )
    .action(
      terminal.action(async ({ confirm, ...options }: ConfirmOptions) => {
        const gateway = openGateway(options, terminal)
        const path = '/api/cluster/wipe'
        return runOperation({ gateway, path, body: { confirm } }, options, terminal)
      }),
    )
}

function registerOperations(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('operations'))
    .description(
      'Lists restarts, joins and other long work of a node, or shows one with its steps.',
    )
    .argument('[id]', 'one operation')
    .option('--of <node-id>', 'of this node; without it of the asked one')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport cluster operations --of node3
  $ corroport cluster operations node3_01KB3GQ0E6T1V8R7D2M5XNCJ4A`,
    )
    .action(
      terminal.action(async (id: string | undefined, options: GatewayOptions & { of?: string }) => {
        const gateway = openGateway(options, terminal)
        if (id === undefined) {
          const path = withQuery('/api/cluster/operations', { node: options.of })
          const parse = createParser('operations', OperationsReply)
          const { operations } = await gateway.get(path, parse)
          if (options.json) terminal.printJson(operations)
          else showOperations(operations, terminal)
          return 'ok'
        }
        const path = `/api/cluster/operations/${encodeURIComponent(id)}`
        const { operation } = await gateway.get(path, createParser('operation', OperationReply))
        if (options.json) terminal.printJson(operation)
        else showOperation(operation, terminal)
        return 'ok'
      }),
    )
}

function showOperations(operations: readonly Operation[], terminal: Terminal): void {
  const head = ['STARTED', 'ID', 'KIND', 'STATE', 'TOOK', 'BY', 'REASON']
  const rows = operations.map((operation) => [
    operation.started_at,
    operation.id,
    operation.kind,
    operation.state,
    formatDuration(tookMs(operation)),
    operation.by,
    operation.reason ?? '',
  ])
  printTable(head, rows, terminal)
}

function showOperation(operation: Operation, terminal: Terminal): void {
  const reason = operation.reason === null ? '' : `: ${operation.reason}`
  terminal.print(
    { text: `${operation.kind} of ${operation.node_id}`, style: 'bold' },
    ` ${operation.state}${reason}, by ${operation.by}, at ${operation.started_at}`,
  )
  for (const step of operation.steps) terminal.print(...lineOf(step))
}
