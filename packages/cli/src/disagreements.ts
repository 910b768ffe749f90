import type { Disagreement } from '@corroport/contracts'
import type { Terminal } from './terminal.ts'

/** About whom two planes say different things, a line each. */
export function printDisagreements(
  disagreements: readonly Disagreement[],
  terminal: Terminal,
): void {
  for (const { node_id, actor_id, kind, detail } of disagreements) {
    const about = node_id ?? actor_id?.slice(0, 8) ?? '?'
    terminal.print({ text: about, style: 'red' }, `: ${detail} (${kind})`)
  }
}
