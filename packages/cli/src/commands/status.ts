import { createParser, NodeReply, NodesReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { findComplaints } from '../complaints.ts'
import { formatAge } from '../duration.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printNode } from '../node-table.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerStatus(program: Command, terminal: Terminal): void {
  withGateway(program.command('status'))
    .description('Shows all nodes as one of them sees them, and what that one depends on.')
    .addHelpText(
      'after',
      `
What is down or disagrees comes first. Exits with 4 when there is any, with 1 when the gateway is
not reached.

Examples:
  $ corroport status
  $ corroport status --node 2 --json | jq .nodes.nodes`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const gateway = openGateway(options, terminal)
        const [nodes, node] = await Promise.all([
          gateway.get('/api/nodes', createParser('nodes', NodesReply)),
          gateway.get('/api/node', createParser('node', NodeReply)),
        ])
        const complaints = findComplaints(nodes.nodes, node)
        if (options.json) {
          terminal.printJson({ nodes, node, complaints })
        } else {
          for (const { about, what } of complaints) {
            terminal.print({ text: about, style: 'red' }, `: ${what}`)
          }
          showNodes(nodes, new Set(complaints.map(({ about }) => about)), terminal)
          terminal.print('')
          printNode(`${node.node_id} *`, node, terminal)
        }
        return complaints.length === 0 ? 'ok' : 'degraded'
      }),
    )
}

function showNodes({ nodes }: NodesReply, troubled: Set<string>, terminal: Terminal): void {
  const rank = ({ node_id }: { node_id: string }): number => (troubled.has(node_id) ? 0 : 1)
  const sorted = nodes.toSorted(
    (a, b) => rank(a) - rank(b) || a.node_id.localeCompare(b.node_id, undefined, { numeric: true }),
  )
  printTable(
    ['NODE', 'PRESENCE', 'AGENT', 'REGION', 'API', 'PEER', 'HEARD', 'ACTOR', 'VERSION'],
    sorted.map((node) => [
      node.is_local ? `${node.node_id} *` : node.node_id,
      marked(node.presence, node.presence === 'present'),
      marked(node.agent_state ?? '-', node.agent_state === 'ready'),
      node.region ?? '-',
      node.api_endpoint ?? '-',
      node.peer_endpoint ?? '-',
      node.age_ms === null ? 'never' : formatAge(node.age_ms),
      node.actor_id?.slice(0, 8) ?? '-',
      node.version ?? '-',
    ]),
    terminal,
  )
}

function marked(text: string, isWell: boolean): Part {
  return { text, style: isWell ? 'green' : 'red' }
}
