import type { Experiment, MessageFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { State } from '../../components/Badge.tsx'
import { ErrorNote } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { msText } from './figure-text.ts'
import { messagesQuery } from './queries.ts'

const ms = (
  id: 'sender_delay_ms' | 'min_ms' | 'median_ms' | 'mean_ms' | 'max_ms',
  title: string,
): Column<MessageFigures> => ({
  id,
  title,
  align: 'right',
  value: (message) => message[id],
  cell: (message) => msText(message[id]),
})

const columns: Column<MessageFigures>[] = [
  {
    id: 'number',
    title: 'No.',
    align: 'right',
    value: ({ number }) => number,
    cell: ({ number, is_warmup: isWarmup }) => `${number ?? '–'}${isWarmup ? ' warm-up' : ''}`,
  },
  {
    id: 'message_id',
    title: 'Message',
    value: (message) => message.message_id,
    cell: ({ message_id: id }) => (
      <Link to="/messages" search={{ message: id }} className="mono">
        {id}
      </Link>
    ),
  },
  {
    id: 'transport',
    title: 'Over',
    value: ({ transport }) => transport,
    cell: ({ transport }) => transport,
  },
  {
    id: 'origin',
    title: 'Origin',
    value: (message) => message.origin_node_id,
    cell: (message) => message.origin_node_id,
  },
  {
    id: 'sent_at',
    title: 'Sent',
    value: (message) => message.sent_at,
    cell: (message) => <Time at={message.sent_at} />,
  },
  {
    id: 'status',
    title: 'Status',
    value: ({ status }) => status,
    cell: ({ status }) => <State of={status} />,
  },
  {
    id: 'acks',
    title: 'Acks',
    align: 'right',
    value: ({ acks }) => acks,
    cell: ({ acks, expected }) => `${acks} of ${expected}`,
  },
  ms('min_ms', 'min'),
  ms('median_ms', 'median'),
  ms('mean_ms', 'mean'),
  ms('max_ms', 'max'),
  ms('sender_delay_ms', 'Sender delay'),
  {
    id: 'missing',
    title: 'Missing',
    value: ({ missing }) => missing.join(' ') || null,
    cell: ({ missing }) => missing.join(', '),
  },
]

/** Every message in the order of sending, 200 at a time. */
export function MessageTable({
  experiment: { id },
  version,
}: {
  experiment: Experiment
  version: string
}) {
  const { after } = useSearch({ from: '/analytics' })
  const { data, error, refetch } = useQuery(messagesQuery(id, after, version))
  const page = (next: string | undefined) =>
    ({
      from: '/analytics',
      to: '/analytics',
      resetScroll: false,
      search: ({ after: _after, ...rest }: Record<string, unknown>) =>
        next === undefined ? rest : { ...rest, after: next },
    }) as const
  return (
    <>
      {error !== null && (
        <ErrorNote error={error} what={`the messages of ${id}`} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null && (
        <p className="loading" aria-busy="true">
          Loading the messages of {id} …
        </p>
      )}
      {data && (
        <Table
          caption={`Messages of ${id}`}
          columns={columns}
          rows={data.messages}
          keyOf={({ message_id: message }) => message}
          empty="No message was sent yet."
          file={`${id}-messages`}
        />
      )}
      <p className="toolbar">
        {after !== undefined && <Link {...page(undefined)}>First messages</Link>}
        {typeof data?.next === 'string' && <Link {...page(data.next)}>Following messages</Link>}
      </p>
    </>
  )
}
