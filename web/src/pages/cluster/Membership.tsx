import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { membersQuery } from '../../api/queries.ts'
import { OperationProgress } from '../../components/OperationProgress.tsx'
import { Panel } from '../../components/Panel.tsx'
import { useFollowed } from '../../shell/operation.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { OwnMembership } from './OwnMembership.tsx'
import { Removal } from './Removal.tsx'

/** Join, leave, wipe of this gateway's node; remove of another one that has left. */
export function Membership() {
  const { data } = useQuery(membersQuery)
  const refusal = useRefusal('admin')
  const follow = useFollowed('/cluster')
  const members = data?.members ?? []
  const own = members.find(({ is_local }) => is_local)
  const others = members.filter(({ is_local, node_id }) => !is_local && node_id !== null)
  return (
    <Panel title="Come and go">
      {refusal !== undefined && <p className="note info">{refusal}</p>}
      <ShownOperation />
      {data ? (
        <fieldset disabled={refusal !== undefined} className="cluster-actions">
          <legend>
            {data.node_id}, whose gateway serves this page: {own?.state ?? 'state not known'}
          </legend>
          <OwnMembership nodeId={data.node_id} state={own?.state ?? null} follow={follow} />
        </fieldset>
      ) : (
        <p className="loading">Loading who this node is …</p>
      )}
      {others.length > 0 && (
        <fieldset disabled={refusal !== undefined} className="cluster-actions">
          <legend>Forget a node that has left</legend>
          <Removal others={others} follow={follow} />
        </fieldset>
      )}
    </Panel>
  )
}

function ShownOperation() {
  const { operation } = useSearch({ from: '/cluster' })
  const navigate = useNavigate({ from: '/cluster' })
  if (operation === undefined) return null
  const close = () =>
    void navigate({ search: ({ operation: _operation, ...rest }) => rest, replace: true })
  return (
    <OperationProgress
      id={operation}
      whenEnded={
        <button type="button" className="quiet" onClick={close}>
          Close
        </button>
      }
    />
  )
}
