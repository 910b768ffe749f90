import type { NodeReply, NodeSummary } from '@corroport/contracts'

/** Something that is down, or about which two sources disagree. */
export interface Complaint {
  /** Name of a node. */
  about: string
  what: string
}

/** Everything that is not well, nodes first, then what the asked node depends on. */
export function findComplaints(nodes: readonly NodeSummary[], local: NodeReply): Complaint[] {
  return [...nodes.flatMap((node) => aboutNode(node, nodes)), ...aboutLocal(local)]
}

function aboutNode(node: NodeSummary, nodes: readonly NodeSummary[]): Complaint[] {
  const complaints: string[] = []
  if (node.presence === 'unheard') complaints.push('declared, but never heard')
  if (node.presence === 'lost') complaints.push('lost: it announces itself no more')
  // Where nothing is declared, nobody is missing from the declaration.
  const isAnythingDeclared = nodes.some(({ is_declared }) => is_declared)
  if (node.presence === 'present' && isAnythingDeclared && !node.is_declared) {
    complaints.push('heard, but not declared')
  }
  // The local agent is asked directly, which says more.
  if (node.presence === 'present' && node.agent_state !== 'ready' && !node.is_local) {
    const isRestarting = node.agent_state === 'restarting'
    complaints.push(isRestarting ? 'its agent is being restarted' : 'its agent does not answer')
  }
  const twin = nodes.find(
    ({ node_id, actor_id }) =>
      actor_id !== null && actor_id === node.actor_id && node_id !== node.node_id,
  )
  if (twin) complaints.push(`uses the same agent as ${twin.node_id}`)
  return complaints.map((what) => ({ about: node.node_id, what }))
}

function aboutLocal({ node_id, agent, subscriptions, checks }: NodeReply): Complaint[] {
  const complaints: string[] = []
  if (agent.state !== 'ready') {
    complaints.push(`agent at ${agent.url}: ${agent.error ?? 'does not answer'}`)
  }
  if (!subscriptions) complaints.push('its subscriber does not answer')
  for (const { table, state } of subscriptions ?? []) {
    if (state !== 'live') complaints.push(`table ${table} is ${state}`)
  }
  for (const { name, ok, detail } of checks) {
    if (!ok) complaints.push(`${name}: ${detail ?? 'not ready'}`)
  }
  return complaints.map((what) => ({ about: node_id, what }))
}
