import { addLocalCommands } from '@corroport/local'
import type { Command } from 'commander'

export function registerLocal(program: Command): void {
  const command = program
    .command('local')
    .description('A whole cluster on this machine: NATS, agents and services.')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport local agents start 5
  $ corroport local services start
  $ corroport local logs -f node2
  $ NODE_ID=1 corroport local node
  $ corroport local stop`,
    )
  addLocalCommands(command, { environment: process.env, out: process.stdout })
}
