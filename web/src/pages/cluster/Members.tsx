import type { ClusterMember, MembersReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { membersPace, membersQuery } from '../../api/queries.ts'
import { FilterField } from '../../components/FilterField.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Table } from '../../components/Table.tsx'
import { memberColumns } from './member-columns.tsx'
import { keyOf, selectMembers } from './member-rows.ts'
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
        <FilterField
          label="Filter"
          placeholder="node, region, actor id, address"
          value={q ?? ''}
          onFilter={(text) =>
            void navigate({
              search: ({ q: _q, ...rest }) => (text === '' ? rest : { ...rest, q: text }),
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
        columns={memberColumns(at)}
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
