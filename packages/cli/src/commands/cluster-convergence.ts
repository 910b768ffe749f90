import { ConvergenceReply, createParser } from '@corroport/contracts'
import type { Command } from 'commander'
import { type Gateway, withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface ConvergenceOptions extends GatewayOptions {
  tables?: string
}

type Group = ConvergenceReply['tables'][number]['groups'][number]

const parse = createParser('convergence', ConvergenceReply)

export function registerConvergence(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('convergence'))
    .description('Compares the rows of all nodes, table by table.')
    .option('--tables <list>', 'only these, with commas: node_messages,node_configs')
    .addHelpText(
      'after',
      `
Every node reads its tables at a moment of its own. While rows are written two looks differ, so what
differs may be on its way: look again when nobody writes. Canaries change all the time, and are left
out unless --tables has node_canaries. Exits with 4 when anything differs or a node did not answer.

Examples:
  $ corroport cluster convergence
  $ corroport cluster convergence --tables node_messages --json`,
    )
    .action(
      terminal.action(async ({ tables, ...options }: ConvergenceOptions) => {
        const reply = await askConvergence(openGateway(options, terminal), tables)
        if (options.json) terminal.printJson(reply)
        else showConvergence(reply, terminal)
        return reply.is_converged ? 'ok' : 'degraded'
      }),
    )
}

export function askConvergence(gateway: Gateway, tables?: string): Promise<ConvergenceReply> {
  return gateway.get(withQuery('/api/cluster/convergence', { tables }), parse)
}

/** What keeps nodes from being converged, a line each. */
export function differences({ tables, unanswered }: ConvergenceReply): string[] {
  return [
    ...unanswered.map(({ node_id, reason }) => `${node_id} did not answer: ${reason}`),
    ...tables
      .filter(({ is_equal }) => !is_equal)
      .map(({ table, groups }) => `${table} differs: ${groups.map(groupText).join('; ')}`),
  ]
}

function groupText({ digest, rows, node_ids }: Group): string {
  const what = digest === null ? 'no such table' : `${shortened(digest)}, rows ${rows}`
  return `${node_ids.join(', ')} (${what})`
}

const head = ['TABLE', 'ROWS', 'DIGEST', 'NODES']

function showConvergence(reply: ConvergenceReply, terminal: Terminal): void {
  const found = differences(reply)
  for (const text of found) terminal.print({ text, style: 'red' })
  if (found.length > 0) terminal.print('')
  const rows = reply.tables.flatMap(({ table, is_equal, groups }) =>
    groups.map(({ digest, rows: count, node_ids }): Part[] => [
      { text: table, style: is_equal ? 'green' : 'red' },
      String(count),
      digest === null ? '-' : shortened(digest),
      node_ids.join(', '),
    ]),
  )
  printTable(head, rows, terminal)
  if (reply.left_out.length === 0) return
  terminal.print('')
  terminal.print(`left out  ${reply.left_out.join(', ')}`)
}

function shortened(digest: string): string {
  return digest.slice(0, 12)
}
