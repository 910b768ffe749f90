import type { DeadLetter } from '@corroport/contracts'
import { Link } from '@tanstack/react-router'
import { figureColumn } from '../../components/figure-column.ts'
import type { Column } from '../../components/Table.tsx'
import { timeColumn } from '../../components/time-column.tsx'
import { formatBytes, formatCount } from '../../format/number.ts'

export function choiceColumn(
  chosen: ReadonlySet<number>,
  choose: (sequences: readonly number[], isChosen: boolean) => void,
): Column<DeadLetter> {
  return {
    id: 'chosen',
    title: 'Choose',
    cell: ({ sequence }) => (
      <input
        type="checkbox"
        className="operations-choice"
        aria-label={`Choose letter ${sequence}`}
        checked={chosen.has(sequence)}
        onChange={({ target }) => choose([sequence], target.checked)}
      />
    ),
  }
}

export const letterColumns: Column<DeadLetter>[] = [
  timeColumn('dead_at', 'When', ({ dead_at }) => dead_at),
  {
    id: 'service',
    title: 'Service',
    value: ({ service }) => service,
    cell: ({ service, durable }) => <span title={durable}>{service}</span>,
  },
  {
    id: 'subject',
    title: 'Subject',
    value: ({ subject }) => subject,
    cell: ({ subject, sequence }) => (
      <Link
        from="/operations"
        to="."
        search={(old) => ({ ...old, letter: sequence })}
        replace
        resetScroll={false}
      >
        <code>{subject}</code>
      </Link>
    ),
  },
  {
    id: 'reason',
    title: 'Reason',
    value: ({ reason }) => reason,
    cell: ({ reason }) => (
      <span className="operations-text" title={reason}>
        {reason.slice(0, 300)}
      </span>
    ),
  },
  figureColumn('deliveries', 'Deliveries', ({ deliveries }) => deliveries, formatCount),
  {
    id: 'size_bytes',
    title: 'Size',
    align: 'right',
    value: ({ size_bytes }) => size_bytes,
    cell: ({ size_bytes, is_whole }) => `${formatBytes(size_bytes)}${is_whole ? '' : ', cut'}`,
  },
]
