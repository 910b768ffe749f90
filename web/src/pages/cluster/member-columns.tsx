import type { ClusterMember } from '@corroport/contracts'
import { Link } from '@tanstack/react-router'
import { Age } from '../../components/Age.tsx'
import { Badge, State } from '../../components/Badge.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import type { Column } from '../../components/Table.tsx'
import { formatAge, formatDuration } from '../../format/time.ts'
import { countSights, keyOf, medianOf } from './member-rows.ts'

/** What each source says of a member; `at`: when it was said, in Unix milliseconds. */
export function memberColumns(at: number): Column<ClusterMember>[] {
  return [
    {
      id: 'node',
      title: 'Node',
      value: (member) => keyOf(member),
      cell: ({ node_id, actor_id, gossip_address, is_local }) =>
        node_id === null ? (
          <span title={actor_id ?? undefined}>{gossip_address ?? actor_id} (no known node)</span>
        ) : (
          <>
            <NodeLink id={node_id} />
            {is_local && <span className="aside"> this one</span>}
          </>
        ),
    },
    {
      id: 'agreed',
      title: 'Sources',
      value: ({ is_agreed }) => (is_agreed ? 'agree' : 'disagree'),
      cell: ({ is_agreed }) =>
        is_agreed ? <Badge tone="quiet">agree</Badge> : <Badge tone="bad">disagree</Badge>,
    },
    {
      id: 'region',
      title: 'Region',
      value: ({ region }) => region,
      cell: ({ region }) => region ?? '–',
    },
    {
      id: 'state',
      title: 'State',
      value: ({ state }) => state,
      cell: ({ state }) => <State of={state} title="as the node says itself" />,
    },
    {
      id: 'declared',
      title: 'Declared',
      value: ({ declared }) => (declared.is_declared ? 'yes' : 'no'),
      cell: ({ declared }) =>
        declared.is_declared ? `yes${declared.source ? `, ${declared.source}` : ''}` : 'no',
    },
    {
      id: 'swim',
      title: 'SWIM',
      value: ({ swim }) => swim.state,
      cell: ({ swim, is_local }) =>
        is_local ? (
          <span className="aside">does not list itself</span>
        ) : (
          <State of={swim.state} title={swim.source === null ? '' : `by ${swim.source}`} />
        ),
    },
    {
      id: 'seen',
      title: 'Others see it',
      value: ({ swim }) => countSights(swim.seen_by),
      cell: ({ node_id, swim }) => {
        const text = countSights(swim.seen_by) || 'nobody'
        if (node_id === null) return text
        return (
          <Link
            from="/cluster"
            to="/cluster"
            search={(old) => ({ ...old, node: node_id })}
            hash="sights"
            replace
          >
            {text}
            <span className="unseen"> see {node_id}</span>
          </Link>
        )
      },
    },
    {
      id: 'nats',
      title: 'NATS',
      value: ({ nats }) => nats.presence,
      cell: ({ nats }) => (
        <>
          <State of={nats.presence} /> {nats.age_ms !== null && <Age at={at} ageMs={nats.age_ms} />}
        </>
      ),
    },
    {
      id: 'agent',
      title: 'Agent',
      value: ({ agent }) => agent.state,
      cell: ({ agent }) => <State of={agent.state} title="as its node announces it" />,
    },
    {
      id: 'link',
      title: 'Link',
      value: ({ link }) => link.state,
      cell: ({ link: { state, canary_age_ms }, is_local }) =>
        is_local ? (
          <span className="aside">itself</span>
        ) : (
          <>
            <State of={state} title="whether its canary rows arrive here" />{' '}
            {canary_age_ms !== null && (
              <span className="aside">canary {formatAge(canary_age_ms)}</span>
            )}
          </>
        ),
    },
    {
      id: 'rtt',
      title: 'Round trip',
      align: 'right',
      value: ({ swim }) => medianOf(swim.rtts_ms),
      cell: ({ swim: { rtts_ms } }) => {
        const median = medianOf(rtts_ms)
        if (median === null) return '–'
        return (
          <span title={`median of ${rtts_ms.length}, by SWIM`}>
            {formatDuration(median)} <span className="aside">n={rtts_ms.length}</span>
          </span>
        )
      },
    },
  ]
}
