import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { membersPace, membersQuery } from '../../api/queries.ts'
import { Badge } from '../../components/Badge.tsx'
import { DataPanel } from '../../components/Panel.tsx'

/** Where the three sources say different things of a member. */
export function Disagreements() {
  const query = useQuery(membersQuery)
  return (
    <DataPanel
      title="Disagreements"
      what="what the sources say"
      query={query}
      everyMs={membersPace(query.data?.members.length)}
    >
      {({ disagreements, members }) =>
        disagreements.length === 0 ? (
          <p>
            <Badge tone="good">none</Badge> What is declared, SWIM and NATS agree on all{' '}
            {members.length} members.
          </p>
        ) : (
          <ul className="cluster-disagreements">
            {disagreements.map(({ node_id, actor_id, kind, detail }) => (
              <li key={`${node_id} ${actor_id} ${kind} ${detail}`}>
                <Badge tone="bad">{kind}</Badge> {detail}{' '}
                {node_id !== null && (
                  <Link
                    from="/cluster"
                    to="/cluster"
                    search={(old) => ({ ...old, node: node_id })}
                    hash="sights"
                  >
                    who sees {node_id}
                  </Link>
                )}
              </li>
            ))}
          </ul>
        )
      }
    </DataPanel>
  )
}
