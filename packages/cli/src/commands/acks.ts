import { createParser, DiagnosisReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { printDiagnosis } from '../diagnosis-table.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

export function registerAcks(program: Command, terminal: Terminal): void {
  const acks = program.command('acks').description('The way that acknowledgements take.')
  withGateway(acks.command('diagnose'))
    .description('Tries each step of the way from a row to its acknowledgement at the origin.')
    .addHelpText(
      'after',
      `
Exits with 4 when a step fails.

Example:
  $ corroport acks diagnose --node 2`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const diagnosis = await openGateway(options, terminal).get(
          '/api/diagnose',
          createParser('diagnosis', DiagnosisReply),
        )
        if (options.json) terminal.printJson(diagnosis)
        else printDiagnosis(diagnosis.node_id, diagnosis, terminal)
        return diagnosis.steps.every(({ ok }) => ok) ? 'ok' : 'degraded'
      }),
    )
}
