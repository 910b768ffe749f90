import { createParser, DiagnosisReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from '../duration.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
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
        const failed = diagnosis.steps.filter(({ ok }) => !ok)
        if (options.json) {
          terminal.printJson(diagnosis)
        } else {
          printTable(
            ['', 'STEP', 'TOOK', 'DETAIL'],
            diagnosis.steps.map(({ ok, step, durationMs, detail }) => [
              ok ? { text: 'ok', style: 'green' } : { text: 'FAIL', style: 'red' },
              step,
              durationMs === undefined ? '' : formatDuration(durationMs),
              detail,
            ]),
            terminal,
          )
          const verdict =
            failed.length === 0
              ? 'every step works'
              : `${failed.length} of ${diagnosis.steps.length} steps fail`
          terminal.print(`${diagnosis.node_id}: ${verdict}`)
        }
        return failed.length === 0 ? 'ok' : 'degraded'
      }),
    )
}
