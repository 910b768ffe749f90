import type { MessageSummary } from '@corroport/contracts'
import { Link, useSearch } from '@tanstack/react-router'
import { State } from '../../components/Badge.tsx'
import { ErrorNote } from '../../components/Notice.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatBytes, formatCount } from '../../format/number.ts'
import { formatAge } from '../../format/time.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { type MessageRow, mergeRows } from './rows.ts'
import { useHold } from './useHold.ts'
import { laterAcksMs, useTracks } from './useTracks.ts'

interface MessageTableProps {
  /** Rows of the table, newest first. */
  messages: readonly MessageSummary[]
  /** There are older ones. */
  isCut: boolean
  range: TimeRange
}

/** What was listed, and what events tell meanwhile. */
export function MessageTable({ messages, isCut, range }: MessageTableProps) {
  const { message, node, region } = useSearch({ from: '/messages' })
  const { tracks, history } = useTracks(range)
  const rows = mergeRows(messages, tracks, {
    node,
    region,
    sinceMs: Date.parse(range.since()),
    untilMs: range.until === undefined ? Infinity : Date.parse(range.until),
    isCut,
  })
  const { shown, newer, isPaused, setPaused, onScrollCapture, release } = useHold(rows)
  return (
    <>
      <div className="toolbar">
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
      </div>
      <div className="messages-rows" onScrollCapture={onScrollCapture}>
        {newer > 0 && (
          <button type="button" className="messages-newer" onClick={release}>
            Show {formatCount(newer)} new
          </button>
        )}
        <Table
          caption="Messages, newest first"
          file="messages"
          columns={columns}
          rows={shown}
          virtualFrom={40}
          keyOf={({ pk }) => pk}
          isMarked={({ pk }) => pk === message}
          empty="No message in this time range. Send one above, choose a longer range, or take the filters away."
        />
      </div>
      {history.error !== null && (
        <ErrorNote
          error={history.error}
          what="acknowledgements of earlier messages, and direct messages"
          onRetry={() => void history.refetch()}
        />
      )}
      {history.data?.cutAt !== undefined && (
        <p className="hint">
          Acknowledgements are counted here of messages since{' '}
          <Time at={history.data.cutAt} withDate />; of an older one, open it.
        </p>
      )}
      {range.until !== undefined && (
        <p className="hint">
          Acknowledgements are counted here up to {formatAge(laterAcksMs)} after the end of the time
          range; for later ones, open the message.
        </p>
      )}
    </>
  )
}

const columns: Column<MessageRow>[] = [
  {
    id: 'sent_at',
    title: 'Sent',
    value: ({ at }) => at,
    cell: ({ at }) => <Time at={at} />,
  },
  textColumn('node', 'Node', ({ nodeId }) => nodeId),
  {
    id: 'text',
    title: 'Text',
    value: ({ text }) => text,
    cell: (row) => (
      <Link
        from="/messages"
        to="."
        search={(old) => ({ ...old, message: row.pk })}
        replace
        resetScroll={false}
        title={row.text ?? undefined}
        className={row.text === null ? 'messages-text messages-untold' : 'messages-text'}
      >
        {wordsOf(row)}
      </Link>
    ),
  },
  {
    id: 'acknowledged',
    title: 'Acknowledged',
    value: ({ acks }) => acks?.received ?? null,
    cell: ({ acks }) =>
      acks ? <Share {...acks} /> : <span title="its events are not at hand: open it">–</span>,
  },
  {
    id: 'status',
    title: 'Status',
    value: ({ status }) => status,
    cell: ({ status, reason }) => (
      <>
        <State of={status} /> {reason}
      </>
    ),
  },
  textColumn('transport', 'Transport', ({ transport }) => transport),
  textColumn('region', 'Region', ({ region }) => region),
  {
    id: 'key',
    title: 'Key',
    value: ({ pk }) => pk,
    cell: ({ pk }) => <code title={pk}>…{pk.slice(-8)}</code>,
  },
]

/** A cell is cut by its width; this only keeps 64 KiB out of the page. */
function wordsOf({ text, transport, sizeBytes }: MessageRow): string {
  if (text !== null) return text === '' ? '(empty)' : text.slice(0, 300)
  const size = sizeBytes === null ? '' : formatBytes(sizeBytes)
  return transport === 'direct' ? `(${size}, kept nowhere)` : `(${size})`
}

function Share({ received, expected }: { received: number; expected: number }) {
  return (
    <span className={received < expected ? 'messages-share' : 'messages-share all'}>
      {received}/{expected}
      <span className="bar" aria-hidden="true">
        <span style={{ width: `${expected === 0 ? 100 : (100 * received) / expected}%` }} />
      </span>
    </span>
  )
}
