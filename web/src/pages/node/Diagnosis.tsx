import type { DiagnosisReply } from '@corroport/contracts'
import { gateway } from '../../api/gateway.ts'
import { AskedPanel } from '../../components/AskedPanel.tsx'
import { Badge } from '../../components/Badge.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { formatDuration } from '../../format/time.ts'

/** The way of an acknowledgement from a node, tried step by step when a person asks. */
export function Diagnosis({ nodeId }: { nodeId: string }) {
  return (
    <AskedPanel
      title="Connectivity"
      what="the test"
      action={`Test from ${nodeId}`}
      queryKey={['diagnosis', nodeId]}
      queryFn={() => gateway.diagnosis(nodeId)}
      notYet="Not tried yet. It takes up to 8 s and changes nothing."
      meanwhile="Trying the agent, the feeds, NATS, and each other node's endpoint: up to 8 s."
    >
      {({ steps }) => (
        <>
          <p aria-live="polite">
            <Verdict of={steps} />
          </p>
          <Table
            caption={`Steps of the test from ${nodeId}`}
            rows={steps}
            keyOf={({ step, detail }) => `${step} ${detail}`}
            columns={columns}
            empty="No step was tried."
          />
        </>
      )}
    </AskedPanel>
  )
}

function Verdict({ of }: { of: DiagnosisReply['steps'] }) {
  const failing = of.filter(({ ok }) => !ok).length
  return failing === 0 ? (
    <Badge tone="good">all {of.length} steps work</Badge>
  ) : (
    <Badge tone="bad">
      {failing} of {of.length} steps fail
    </Badge>
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
