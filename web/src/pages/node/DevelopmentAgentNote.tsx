import type { NodeSummary } from '@corroport/contracts'

/** Said above everything else of a node: its figures tell little of Corrosion. */
export function DevelopmentAgentNote({ of }: { of: NodeSummary }) {
  if (of.agent_kind !== 'development') return null
  return (
    <p className="note info">
      <strong>{of.node_id} runs the development agent</strong>, which stands in for Corrosion on one
      machine. It is not for production, and its figures are not those of Corrosion.
    </p>
  )
}
