import type { Command } from 'commander'
import { openGateway, withGateway } from '../gateway-options.ts'
import { type OperationOptions, runOperation, withWait } from '../operation-progress.ts'
import type { Terminal } from '../terminal.ts'

interface RestartOptions extends OperationOptions {
  reason?: string
}

export function registerAgent(program: Command, terminal: Terminal): void {
  const agent = program.command('agent').description('The Corrosion agent of a node.')
  withWait(withGateway(agent.command('restart')))
    .description('Restarts an agent, and waits until a subscription can be opened again.')
    .argument('[node-id]', 'whose agent; without it the one of the asked node')
    .option('--reason <text>', 'why, for the record')
    .addHelpText(
      'after',
      `
Steps are shown as they end. An agent that is stopped tells the others that it leaves, which takes
it about 6 s. Ctrl-C ends only the waiting.

Examples:
  $ corroport agent restart --node 2
  $ corroport agent restart iad-3d8d9e1c --reason 'new binary'`,
    )
    .action(
      terminal.action(async (nodeId: string | undefined, options: RestartOptions) => {
        const gateway = openGateway(options, terminal)
        const body = { node_id: nodeId, reason: options.reason }
        return runOperation({ gateway, path: '/api/node/restart', body }, options, terminal)
      }),
    )
}
