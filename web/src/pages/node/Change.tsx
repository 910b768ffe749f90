import type { ConfigReply, Plan } from '@corroport/contracts'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { configEveryMs } from './config-query.ts'
import { EditForm } from './EditForm.tsx'
import type { EditDraft } from './edit-draft.ts'
import { PlanView } from './PlanView.tsx'
import { RolloutProgress } from './RolloutProgress.tsx'

interface ChangeProps {
  nodeId: string
  query: UseQueryResult<ConfigReply>
  draft: EditDraft
  onDraft: (draft: EditDraft) => void
  plan: Plan | undefined
  onPlan: (plan: Plan | undefined) => void
}

const everyMs = 3000

/** From an edit to a plan, and from a plan to a rollout. */
export function Change({ nodeId, query, draft, onDraft, plan, onPlan }: ChangeProps) {
  const { rollout } = useSearch({ from: '/node' })
  const { data } = useQuery({
    queryKey: ['rollouts'],
    queryFn: gateway.rollouts,
    refetchInterval: everyMs,
  })
  const running = data?.rollouts.find(({ finished_at }) => finished_at === null)
  return (
    <>
      {rollout !== undefined && <RolloutProgress key={rollout} id={rollout} />}
      {running && running.id !== rollout && (
        <p className="note info">
          A rollout by {running.by} is under way; no other one begins before it ends.{' '}
          <Link from="/node" to="/node" search={(old) => ({ ...old, rollout: running.id })}>
            Show it
          </Link>
        </p>
      )}
      <DataPanel title="Edit" what={`the file of ${nodeId}`} query={query} everyMs={configEveryMs}>
        {({ file }) => (
          <EditForm
            nodeId={nodeId}
            current={file.bootstrap}
            draft={draft}
            onDraft={onDraft}
            onPlan={onPlan}
          />
        )}
      </DataPanel>
      {plan && <PlanView of={plan} onApplied={() => onPlan(undefined)} />}
    </>
  )
}
