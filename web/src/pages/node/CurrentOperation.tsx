import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { OperationProgress } from '../../components/OperationProgress.tsx'
import { RollBack } from './ReturnButtons.tsx'

/** The one that was asked for here, or else one that somebody else began. */
export function CurrentOperation({ nodeId }: { nodeId: string }) {
  const { operation, rollout } = useSearch({ from: '/node' })
  const navigate = useNavigate({ from: '/node' })
  const { data } = useQuery({
    queryKey: ['operations', nodeId],
    queryFn: () => gateway.operations(nodeId),
    refetchInterval: 3000,
  })
  // The steps of a rollout stand in it.
  const running = data?.operations.find(
    ({ state, kind }) => state === 'running' && (kind !== 'apply' || rollout === undefined),
  )
  const shown = operation ?? running?.id
  if (shown === undefined) return null
  const shownKind = data?.operations.find(({ id }) => id === shown)?.kind
  const close = () =>
    void navigate({
      search: ({ operation: _operation, ...rest }) => rest,
      replace: true,
    })
  return (
    <OperationProgress
      key={shown}
      id={shown}
      whenEnded={
        <>
          {shownKind === 'restore' && <RollBack nodeId={nodeId} />}
          <button type="button" className="quiet" onClick={close}>
            Close
          </button>
        </>
      }
    />
  )
}
