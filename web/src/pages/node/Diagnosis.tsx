import type { DiagnosisReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Age } from '../../components/Age.tsx'
import { Badge } from '../../components/Badge.tsx'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatDuration } from '../../format/time.ts'

/** The way of an acknowledgement from a node, tried step by step when a person asks. */
export function Diagnosis({ nodeId }: { nodeId: string }) {
  const { data, error, dataUpdatedAt, isFetching, refetch } = useQuery({
    queryKey: ['diagnosis', nodeId],
    queryFn: () => gateway.diagnosis(nodeId),
    enabled: false,
    retry: false,
  })
  const failing = data?.steps.filter(({ ok }) => !ok).length ?? 0
  return (
    <Panel
      title="Connectivity"
      aside={data && <Age at={dataUpdatedAt} staleAfterMs={60_000} />}
      actions={
        <button
          type="button"
          disabled={isFetching}
          aria-busy={isFetching}
          onClick={() => void refetch()}
        >
          Test from {nodeId}
        </button>
      }
    >
      {isFetching && (
        <p className="loading" aria-busy="true">
          Trying the agent, the feeds, NATS, and each other node's endpoint …
        </p>
      )}
      {error !== null && !isFetching && (
        <ErrorNote error={error} what="the test" onRetry={() => void refetch()} />
      )}
      {!data && error === null && !isFetching && (
        <Empty>Not tried yet. It takes up to 8 s and changes nothing.</Empty>
      )}
      {data && (
        <>
          <p aria-live="polite">
            {failing === 0 ? (
              <Badge tone="good">all {data.steps.length} steps work</Badge>
            ) : (
              <Badge tone="bad">
                {failing} of {data.steps.length} steps fail
              </Badge>
            )}
          </p>
          <Table
            caption={`Steps of the test from ${nodeId}`}
            rows={data.steps}
            keyOf={({ step, detail }) => `${step} ${detail}`}
            columns={columns}
            empty="No step was tried."
          />
        </>
      )}
    </Panel>
  )
}

const columns: readonly Column<DiagnosisReply['steps'][number]>[] = [
  {
    id: 'ok',
    title: 'Works',
    value: ({ ok }) => (ok ? 'yes' : 'no'),
    cell: ({ ok }) => <Badge tone={ok ? 'good' : 'bad'}>{ok ? 'yes' : 'no'}</Badge>,
  },
  { id: 'step', title: 'Step', value: ({ step }) => step, cell: ({ step }) => step },
  {
    id: 'took',
    title: 'Took',
    align: 'right',
    value: ({ durationMs }) => durationMs ?? null,
    cell: ({ durationMs }) => (durationMs === undefined ? '–' : formatDuration(durationMs)),
  },
  {
    id: 'detail',
    title: 'Detail',
    value: ({ detail }) => detail,
    cell: ({ detail }) => <span className="node-what">{detail}</span>,
  },
]
