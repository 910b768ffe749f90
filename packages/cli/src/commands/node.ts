import { AgentInspectionReply, createParser, DiagnosisReply, NodeReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { printDiagnosis } from '../diagnosis-table.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printNode } from '../node-table.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export function registerNode(program: Command, terminal: Terminal): void {
  const node = program.command('node').description('Any node, through the gateway of another one.')
  registerShow(node, terminal)
  registerInspect(node, terminal)
  registerDiagnose(node, terminal)
}

function registerShow(node: Command, terminal: Terminal): void {
  withGateway(node.command('show'))
    .description('Shows its agent, the tables that it follows, and what it depends on.')
    .argument('<node-id>', 'which node')
    .addHelpText(
      'after',
      `
Exits with 4 when something of it is down.

Example:
  $ corroport node show node2`,
    )
    .action(
      terminal.action(async (nodeId: string, options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).get(
          pathOf(nodeId),
          createParser('node', NodeReply),
        )
        if (options.json) terminal.printJson(reply)
        else printNode(reply.node_id, reply, terminal)
        return reply.checks.every(({ ok }) => ok) ? 'ok' : 'degraded'
      }),
    )
}

function registerInspect(node: Command, terminal: Terminal): void {
  withGateway(node.command('agent'))
    .description('Lists the files that its agent lives from, and the subscriptions that it keeps.')
    .argument('<node-id>', 'which node')
    .addHelpText(
      'after',
      `
Example:
  $ corroport node agent node2`,
    )
    .action(
      terminal.action(async (nodeId: string, options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).get(
          `${pathOf(nodeId)}/agent`,
          createParser('files and subscriptions', AgentInspectionReply),
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['FILE', 'MODE', 'BYTES', 'MODIFIED', 'PATH'],
          reply.files.map(({ role, exists, mode, size_bytes, modified_at, path, error }) => [
            role,
            exists ? (mode ?? '') : { text: error ?? 'not there', style: 'yellow' },
            size_bytes === null ? '' : String(size_bytes),
            modified_at ?? '',
            path,
          ]),
          terminal,
        )
        terminal.print('')
        if (reply.subscriptions === null) {
          terminal.print({
            text: reply.subscriptions_error ?? 'its subscriptions are not known',
            style: 'red',
          })
          return 'degraded'
        }
        printTable(
          ['SUBSCRIPTION', 'HASH', 'SQL'],
          reply.subscriptions.map(({ id, hash, sql }) => [id, hash, sql]),
          terminal,
        )
        return 'ok'
      }),
    )
}

function registerDiagnose(node: Command, terminal: Terminal): void {
  withGateway(node.command('diagnose'))
    .description(
      'Tries each step of the way from a row on it to the acknowledgement at the origin.',
    )
    .argument('<node-id>', 'which node')
    .addHelpText(
      'after',
      `
Exits with 4 when a step fails.

Example:
  $ corroport node diagnose node2`,
    )
    .action(
      terminal.action(async (nodeId: string, options: GatewayOptions) => {
        const diagnosis = await openGateway(options, terminal).get(
          `${pathOf(nodeId)}/diagnose`,
          createParser('diagnosis', DiagnosisReply),
        )
        if (options.json) terminal.printJson(diagnosis)
        else printDiagnosis(nodeId, diagnosis, terminal)
        return diagnosis.steps.every(({ ok }) => ok) ? 'ok' : 'degraded'
      }),
    )
}

function pathOf(nodeId: string): string {
  return `/api/nodes/${encodeURIComponent(nodeId)}`
}
