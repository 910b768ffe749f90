import type { MessageFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { Answer, AnswerAge } from '../../components/Answer.tsx'
import { State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { msText } from './figure-text.ts'
import { messagesQuery } from './queries.ts'

const ms = (id: 'sender_delay_ms' | 'min_ms' | 'median_ms' | 'mean_ms' | 'max_ms', title: string) =>
  figureColumn<MessageFigures, number | null>(id, title, (message) => message[id], msText)

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
  textColumn('transport', 'Over', ({ transport }) => transport),
  textColumn('origin', 'Origin', (message) => message.origin_node_id),
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
export function MessageTable({ id, version }: { id: string; version: string }) {
  const { after } = useSearch({ from: '/analytics' })
  const query = useQuery(messagesQuery(id, after, version))
  const next = query.data?.next
  const page = (from: string | undefined) =>
    ({
      from: '/analytics',
      to: '/analytics',
      resetScroll: false,
      search: ({ after: _after, ...rest }: Record<string, unknown>) =>
        from === undefined ? rest : { ...rest, after: from },
    }) as const
  return (
    <>
      <Answer query={query} what={`the messages of ${id}`}>
        {({ messages }) => (
          <>
            <Table
              caption={`Messages of ${id}`}
              columns={columns}
              rows={messages}
              keyOf={({ message_id: message }) => message}
              empty="No message was sent yet."
              file={`${id}-messages`}
            />
            <p className="hint">
              Read <AnswerAge query={query} />.
            </p>
          </>
        )}
      </Answer>
      <p className="toolbar">
        {after !== undefined && <Link {...page(undefined)}>First messages</Link>}
        {typeof next === 'string' && <Link {...page(next)}>Following messages</Link>}
      </p>
    </>
  )
}
