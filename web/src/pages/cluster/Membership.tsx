import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { membersQuery } from '../../api/queries.ts'
import { Answer } from '../../components/Answer.tsx'
import { OperationProgress } from '../../components/OperationProgress.tsx'
import { Panel } from '../../components/Panel.tsx'
import { useFollowed } from '../../shell/operation.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { OwnMembership } from './OwnMembership.tsx'
import { Removal } from './Removal.tsx'

/** Join, leave, wipe of this gateway's node; remove of another one that has left. */
export function Membership() {
  const query = useQuery(membersQuery)
  const refusal = useRefusal('admin')
  const follow = useFollowed('/cluster')
  return (
    <Panel title="Come and go">
      {refusal !== undefined && <p className="note info">{refusal}</p>}
      <ShownOperation />
      <Answer query={query} what="who this node is">
        {({ node_id: nodeId, members }) => {
          const own = members.find(({ is_local }) => is_local)
          const others = members.flatMap(({ is_local, node_id, state }) =>
            is_local || node_id === null ? [] : [{ nodeId: node_id, state }],
          )
          return (
            <>
              <fieldset disabled={refusal !== undefined} className="cluster-actions">
                <legend>
                  {nodeId}, whose gateway serves this page: {own?.state ?? 'state not known'}
                </legend>
                <OwnMembership nodeId={nodeId} state={own?.state ?? null} follow={follow} />
              </fieldset>
              {others.length > 0 && (
                <fieldset disabled={refusal !== undefined} className="cluster-actions">
                  <legend>Forget a node that has left</legend>
                  <Removal others={others} follow={follow} />
                </fieldset>
              )}
            </>
          )
        }}
      </Answer>
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
