import { createParser, ResetReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

export function registerTracking(program: Command, terminal: Terminal): void {
  const tracking = program.command('tracking').description('What a node remembers of its messages.')
  withGateway(tracking.command('reset'))
    .description('Forgets the messages and acknowledgements that a node tracks.')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Example:
  $ corroport tracking reset --node 2 --yes`,
    )
    .action(
      terminal.action(async (options: GatewayOptions & { yes?: boolean }) => {
        const gateway = openGateway(options, terminal)
        if (!options.yes) {
          const isMeant = await terminal.confirm(`Forget all messages tracked by ${gateway.name}?`)
          if (isMeant === undefined) {
            throw new Failure('nobody can be asked here: add --yes', { exit: 'usage' })
          }
          if (!isMeant) return 'failed'
        }
        const reply = await gateway.post(
          '/api/tracking/reset',
          {},
          createParser('reply', ResetReply),
        )
        if (options.json) terminal.printJson(reply)
        else terminal.print(`${reply.node_id} forgot ${reply.forgotten} messages`)
        return 'ok'
      }),
    )
}
