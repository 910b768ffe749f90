import type { MessageLifeReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Badge, State } from '../../components/Badge.tsx'
import { Copy } from '../../components/Copy.tsx'
import { useNow } from '../../components/clock.ts'
import { InView } from '../../components/InView.tsx'
import { NodeLink } from '../../components/NodeLink.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatAge, formatDuration } from '../../format/time.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { LifeLine } from './LifeLine.tsx'
import type { LifeNode } from './life-line.ts'

const everyMs = { missing: 2000, complete: 10_000 }

/** One message on every node: who has it, who acknowledged it, who not, and since when. */
export function MessageLife({ pk, onClose }: { pk: string; onClose: () => void }) {
  const queryKey = ['message-life', pk]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.messageLife(pk),
    refetchInterval: ({ state }) =>
      state.data && !isMissing(state.data) ? everyMs.complete : everyMs.missing,
  })
  const { data } = query
  useRefetchOn(
    { topics: ['messages'] },
    queryKey,
    ({ payload }) => (payload as { messageId?: unknown } | null)?.messageId === pk,
  )
  return (
    <InView>
      <DataPanel
        title="Life of a message"
        what="the life of the message"
        query={query}
        everyMs={data && !isMissing(data) ? everyMs.complete : everyMs.missing}
        actions={
          <>
            <Copy text={pk} label="Copy its key" />
            <button type="button" onClick={onClose}>
              Close
            </button>
          </>
        }
      >
        {(life) => (
          <>
            <Summary life={life} pk={pk} />
            <Table
              caption="The message on every node"
              file={`message-${pk}`}
              columns={columnsAt(query.dataUpdatedAt)}
              rows={life.nodes}
              keyOf={({ node_id }) => node_id}
              isMarked={({ waiting_ms }) => waiting_ms !== null}
              empty="No node is known."
            />
            <LifeLine life={life} />
          </>
        )}
      </DataPanel>
    </InView>
  )
}

function isMissing({ nodes }: MessageLifeReply): boolean {
  return nodes.some(({ waiting_ms }) => waiting_ms !== null)
}

function Summary({ life, pk }: { life: MessageLifeReply; pk: string }) {
  const { message, message_error, nodes } = life
  if (!message) {
    return (
      <p className="note warn">
        <code>{pk}</code>: {message_error ?? 'its origin does not track it'}. What the other nodes
        have of it is below.
      </p>
    )
  }
  const acknowledged = nodes.filter(({ round_trip_ms }) => round_trip_ms !== null)
  const [first] = acknowledged.toSorted((a, b) => (a.round_trip_ms ?? 0) - (b.round_trip_ms ?? 0))
  return (
    <>
      <p>
        <code>{pk}</code>, sent by {message.node_id} by {message.transport} at{' '}
        <Time at={message.sent_at} withDate /> <State of={message.status} /> {message.reason}
      </p>
      <p>
        {acknowledged.length} of {message.expected.length} acknowledged
        {first && `, first ${first.node_id} after ${formatDuration(first.round_trip_ms ?? 0)}`}
        {message.missing.length > 0 && `; missing: ${message.missing.join(', ')}`}.
      </p>
    </>
  )
}

function columnsAt(updatedAt: number): Column<LifeNode>[] {
  return [
    {
      id: 'node',
      title: 'Node',
      value: ({ node_id }) => node_id,
      cell: ({ node_id }) => <NodeLink id={node_id} />,
    },
    textColumn('role', 'Role', roleOf),
    {
      id: 'row',
      title: 'Row',
      value: ({ row }) => row,
      cell: ({ row }) => <Badge tone={rowTones[row]}>{row}</Badge>,
    },
    {
      id: 'first_seen',
      title: 'First seen, by its clock',
      value: ({ reception }) => reception?.first_seen ?? null,
      cell: ({ reception }) => (reception ? <Time at={reception.first_seen} /> : '–'),
    },
    {
      id: 'via',
      title: 'By',
      value: ({ reception }) => reception?.via ?? null,
      cell: ({ reception }) => reception?.via ?? '–',
    },
    {
      id: 'receptions',
      title: 'Times seen',
      align: 'right',
      value: ({ reception }) => reception?.reception_count ?? null,
      cell: ({ reception }) => reception?.reception_count ?? '–',
    },
    {
      id: 'acknowledged_at',
      title: 'Acknowledged',
      value: ({ acknowledged_at }) => acknowledged_at,
      cell: (node) => <Acknowledged node={node} updatedAt={updatedAt} />,
    },
    {
      id: 'round_trip_ms',
      title: 'Round trip',
      align: 'right',
      value: ({ round_trip_ms }) => round_trip_ms,
      cell: ({ round_trip_ms }) => (round_trip_ms === null ? '–' : formatDuration(round_trip_ms)),
    },
    textColumn('error', 'Not answered', ({ error }) => error),
  ]
}

const rowTones = { present: 'good', absent: 'warn', unknown: 'quiet' } as const

function roleOf({ is_origin, is_expected }: LifeNode): string {
  if (is_origin) return 'origin'
  return is_expected ? 'expected' : 'not expected'
}

function Acknowledged({ node, updatedAt }: { node: LifeNode; updatedAt: number }) {
  const { acknowledged_at, waiting_ms, reception } = node
  if (acknowledged_at !== null) return <Time at={acknowledged_at} />
  if (waiting_ms === null) return '–'
  return (
    <>
      <Badge tone="warn">
        missing for <Waiting ms={waiting_ms} at={updatedAt} />
      </Badge>{' '}
      {reception && `it has it; its acknowledgement is ${reception.acknowledgement}`}
    </>
  )
}

/** Counts on from when it was told. */
function Waiting({ ms, at }: { ms: number; at: number }) {
  const now = useNow()
  return formatAge(ms + Math.max(0, now - at))
}
