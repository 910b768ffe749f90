const sources: readonly [string, string][] = [
  [
    'declared',
    'Named by CLUSTER_NODES, by DNS, or by a row of node_configs: who is expected, not who is there.',
  ],
  [
    'SWIM',
    "What the agents' own gossip says: alive (answers probes), suspect (missed some), down (gone). An agent never lists itself.",
  ],
  [
    'NATS',
    'Each node announces itself every second: present; lost when it is silent for 3 s; unheard when it never was heard.',
  ],
]

const states: readonly [string, string][] = [
  ['joining, active, draining, left', 'Where a node is in its life, as it says itself.'],
  [
    'agent: ready, restarting, unreachable',
    'Whether the node reaches its own Corrosion agent. An agent can be lost while its node is present.',
  ],
  [
    'link: ok, partitioned?, unknown',
    'Each node writes a canary row every two seconds. partitioned? means that another node says it wrote canaries and they do not arrive here; unknown that nothing can be said.',
  ],
  [
    'plane: ok, degraded, unavailable, unknown, none',
    'degraded: it works, and something that helps is away; unknown: the last look is older than twice its period; none: not configured.',
  ],
]

const kinds: readonly [string, string][] = [
  ['declared-unheard', 'A declared node was never heard on NATS.'],
  ['heard-undeclared', 'A node is heard that nobody declared.'],
  ['swim-down-nats-up, swim-suspect-nats-up', 'NATS hears a node that gossip has given up.'],
  ['swim-unknown-nats-up', 'NATS hears a node that gossip has never met: its bootstrap list?'],
  [
    'swim-alive-nats-lost, swim-alive-nats-unheard',
    'Gossip has the agent alive; its services are silent.',
  ],
  ['swim-alive-agent-lost', 'Gossip has the agent alive; its own node cannot reach it.'],
  ['swim-foreign', 'An agent gossips that belongs to no known node.'],
  ['actor-id-differs', 'A node announces another actor id than its row says: a wiped database?'],
  ['actor-id-shared', 'Two nodes announce one actor id: a copied database.'],
  ['gossip-address-shared', 'Two nodes announce one gossip address.'],
  ['partitioned', "A node's canaries do not reach others, while NATS hears it."],
]

const roundTrips: readonly [string, string][] = [
  ['round trip', 'Median of the newest, at most 20, probes of SWIM from the row to the column.'],
  [
    'σ',
    'Standard deviations off the mean of all links: up to −1 fast, from +1 slow, from +2 very slow.',
  ],
  ['ring', "SWIM's class of a link: 0 is below 6 ms, 5 above 200 ms."],
]

/** What the words on this page mean. */
export function Definitions() {
  return (
    <details className="panel">
      <summary>What the words on this page mean</summary>
      <Words title="Sources" of={sources} />
      <Words title="States" of={states} />
      <Words title="Disagreements" of={kinds} />
      <Words title="Round trips" of={roundTrips} />
    </details>
  )
}

function Words({ title, of }: { title: string; of: readonly [string, string][] }) {
  return (
    <>
      <h3>{title}</h3>
      <dl className="cluster-words">
        {of.map(([word, meaning]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
