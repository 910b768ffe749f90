import { createParser, ResetReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

export function registerTracking(program: Command, terminal: Terminal): void {
  const tracking = program.command('tracking').description('What a node remembers of its messages.')
  withYes(withGateway(tracking.command('reset')))
    .description('Forgets the messages and acknowledgements that a node tracks.')
    .addHelpText(
      'after',
      `
Example:
  $ corroport tracking reset --node 2 --yes`,
    )
    .action(
      terminal.action(async (options: GatewayOptions & YesOption) => {
        const gateway = openGateway(options, terminal)
        const question = `Forget all messages tracked by ${gateway.name}?`
        if (!(await isMeant(question, options, terminal))) return 'failed'
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
