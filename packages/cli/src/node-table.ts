import type { NodeReply } from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import type { Part } from './text.ts'

/** Its agent, what it follows, and what its gateway depends on. */
export function printNode(heading: string, node: NodeReply, terminal: Terminal): void {
  const took = node.agent.answered_in_ms
  const parts: Part[][] = [
    [
      'agent',
      marked(node.agent.state, node.agent.state === 'ready'),
      `${node.agent.url}${took === null ? '' : ` in ${formatDuration(took)}`}`,
    ],
    ...(node.subscriptions ?? []).map(({ table, state, rows, since }) => [
      `table ${table}`,
      marked(state, state === 'live'),
      `${rows} rows, since ${since}`,
    ]),
    ...node.checks.map(({ name, ok, detail }) => [
      name,
      marked(ok ? 'ok' : 'FAIL', ok),
      detail ?? '',
    ]),
    ['tracker', '', `${node.tracked_messages} messages`],
  ]
  printTable([heading, 'STATE', 'DETAIL'], parts, terminal)
}

function marked(text: string, isWell: boolean): Part {
  return { text, style: isWell ? 'green' : 'red' }
}
