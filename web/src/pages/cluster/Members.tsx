import type { ClusterMember, MembersReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { membersPace, membersQuery } from '../../api/queries.ts'
import { Age } from '../../components/Age.tsx'
import { Badge, State } from '../../components/Badge.tsx'
import { Field } from '../../components/Field.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatAge, formatDuration } from '../../format/time.ts'
import { countSights, keyOf, medianOf, selectMembers } from './member-rows.ts'
import { Sights } from './Sights.tsx'
import { Sources } from './Sources.tsx'

/** Who belongs to the cluster, by three sources that are never mixed. */
export function Members() {
  const query = useQuery(membersQuery)
  return (
    <DataPanel
      title="Members"
      what="the members"
      query={query}
      everyMs={membersPace(query.data?.members.length)}
    >
      {(reply) => (
        <>
          <Sources
            of={reply.sources}
            at={query.dataUpdatedAt}
            everyMs={membersPace(reply.members.length)}
            onRefresh={() => void query.refetch()}
          />
          <MemberTable reply={reply} at={query.dataUpdatedAt} />
        </>
      )}
    </DataPanel>
  )
}

type Named = ClusterMember & { node_id: string }

function MemberTable({ reply, at }: { reply: MembersReply; at: number }) {
  const { q, only, node } = useSearch({ from: '/cluster' })
  const navigate = useNavigate({ from: '/cluster' })
  const rows = selectMembers(reply.members, { q, only })
  const chosen = reply.members.find(
    (member): member is Named => member.node_id !== null && member.node_id === node,
  )
  return (
    <>
      <div className="toolbar cluster-filter">
        <Field
          label="Filter"
          type="search"
          placeholder="node, region, actor id, address"
          value={q ?? ''}
          onChange={({ target: { value } }) =>
            void navigate({
              search: ({ q: _q, ...rest }) => (value === '' ? rest : { ...rest, q: value }),
              replace: true,
            })
          }
        />
        <label className="cluster-only">
          <input
            type="checkbox"
            checked={only === 'disagreeing'}
            onChange={({ target }) =>
              void navigate({
                search: ({ only: _only, ...rest }) =>
                  target.checked ? { ...rest, only: 'disagreeing' } : rest,
                replace: true,
              })
            }
          />{' '}
          only where sources disagree
        </label>
        <span className="aside">
          {rows.length} of {reply.members.length}
        </span>
      </div>
      <Table
        caption="Members, one a row"
        file="members"
        rows={rows}
        keyOf={keyOf}
        isMarked={({ node_id }) => node_id !== null && node_id === node}
        columns={columnsAt(at)}
        empty={
          reply.members.length === 0
            ? 'No member is known: none is declared, none gossips, none is heard on NATS.'
            : 'No member fits. Clear the filter to see all.'
        }
      />
      {chosen && <Sights of={chosen} />}
      {node !== undefined && !chosen && <p className="note warn">There is no member {node}.</p>}
    </>
  )
}

function columnsAt(at: number): Column<ClusterMember>[] {
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
