import type { AuditNoted } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Badge, type Tone } from '../../components/Badge.tsx'
import { Choice } from '../../components/Field.tsx'
import { FilterField } from '../../components/FilterField.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { eventOf, payloadOf } from '../../live/payloads.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import { fits, type Outcome, outcomeOf, outcomes } from './audit.ts'
import type { OperationsSearch } from './search.ts'

const everyMs = 10_000
const limit = 2000

/** Who changed something or ran SQL, and who was refused. */
export function AuditTrail() {
  const { who, action, outcome } = useSearch({ from: '/operations' })
  const range = useTimeRange()
  const queryKey = ['audit', range.key]
  const query = useQuery({
    queryKey,
    queryFn: async () => {
      const { until } = range
      const asked = { subjects: 'corro.audit.>', since: range.since(), until, limit }
      const { records, is_cut: isCut } = await gateway.records(asked)
      const notes = records.flatMap((record) => payloadOf(eventOf(record), 'audit.noted') ?? [])
      return { notes, isCut }
    },
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ topics: ['operations'] }, queryKey, ({ name }) => name === 'audit.noted')
  return (
    <DataPanel title="Audit trail" what="the audit trail" query={query} everyMs={everyMs}>
      {({ notes, isCut }) => {
        const shown = notes.filter((note) => fits(note, { who, action, outcome }))
        return (
          <>
            <Filters />
            <Table
              caption="Audit trail, newest first"
              file="audit"
              columns={columns}
              rows={shown}
              keyOf={({ nodeId, requestId }) => `${nodeId} ${requestId}`}
              empty={
                notes.length === 0
                  ? 'Nobody changed anything or ran SQL in this time range.'
                  : `No note ${isCut ? `among the newest ${formatCount(notes.length)}` : 'of this time range'} fits the filters.`
              }
            />
            <p className="hint">
              {formatCount(shown.length)} of n = {formatCount(notes.length)}
              {isCut && ', the newest ones of the time range: choose a shorter one for the others'}.
            </p>
          </>
        )
      }}
    </DataPanel>
  )
}

function Filters() {
  const { who = '', action = '', outcome } = useSearch({ from: '/operations' })
  const navigate = useNavigate({ from: '/operations' })
  const filter = (name: 'who' | 'action' | 'outcome', value: string): void =>
    void navigate({
      search: ({ [name]: _old, ...rest }): OperationsSearch =>
        value === '' ? rest : { ...rest, [name]: value },
      replace: true,
      resetScroll: false,
    })
  return (
    <div className="toolbar">
      <FilterField label="Who" value={who} onFilter={(text) => filter('who', text)} />
      <FilterField
        label="Action or target"
        value={action}
        onFilter={(text) => filter('action', text)}
      />
      <Choice<Outcome | ''>
        label="Outcome"
        value={outcome ?? ''}
        options={[
          { value: '', label: 'every outcome' },
          ...outcomes.map((value) => ({ value, label: value })),
        ]}
        onChange={(value) => filter('outcome', value)}
      />
    </div>
  )
}

const tones: Record<Outcome, Tone> = { 'carried out': 'good', refused: 'warn', failed: 'bad' }

const columns: Column<AuditNoted>[] = [
  timeColumn('at', 'When', ({ at }) => at),
  {
    id: 'by',
    title: 'Who',
    value: ({ by }) => by,
    cell: ({ by, role }) => (by === null ? 'nobody known' : `${by}${role ? `, ${role}` : ''}`),
  },
  {
    id: 'action',
    title: 'Action',
    value: ({ action }) => action,
    cell: ({ action }) => <code>{action}</code>,
  },
  {
    id: 'target',
    title: 'Target',
    value: ({ target }) => target,
    cell: ({ target }) => (
      <span className="operations-text" title={target ?? undefined}>
        {target?.slice(0, 300)}
      </span>
    ),
  },
  {
    id: 'status',
    title: 'Outcome',
    value: ({ status }) => status,
    cell: ({ status }) => (
      <>
        <Badge tone={tones[outcomeOf(status)]}>{outcomeOf(status)}</Badge> {status}
      </>
    ),
  },
  textColumn('gateway', 'Gateway', ({ nodeId }) => nodeId),
  textColumn('address', 'From', ({ remoteAddress }) => remoteAddress),
]
