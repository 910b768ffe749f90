import type { EdgeDecision } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { Candidates } from './Candidates.tsx'

const everyMs = 5000
const most = 50

/** What became of the last connections, of those that were recorded. */
export function Decisions({ pop }: { pop: string }) {
  const queryKey = ['edge-decisions', pop]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.edgeDecisions(pop, most),
    refetchInterval: everyMs,
  })
  useRefetchOn({ topics: ['edge'] }, queryKey, ({ name, subject }) => {
    return name === 'hint.route' && subject.endsWith(`.${pop}`)
  })
  const [shown, setShown] = useState<EdgeDecision>()
  const columns = [...plainColumns, candidatesColumn(setShown)]
  return (
    <DataPanel
      title={`Last decisions of ${pop}`}
      className="wide"
      query={query}
      what="the decisions"
      everyMs={everyMs}
    >
      {({ decisions }) => (
        <>
          <Table
            caption={`Last decisions of ${pop}, newest first`}
            columns={columns}
            rows={decisions}
            keyOf={(decision) => `${decision.at} ${decision.client} ${decision.attempts.length}`}
            isMarked={(decision) => decision.at === shown?.at && decision.client === shown.client}
            empty="No connection was recorded yet: of each thread some a second are."
            file={`decisions-${pop}`}
          />
          {shown && (
            <>
              <h3>Candidates for {shown.client}, as they were then</h3>
              <Candidates of={shown.candidates} about={shown.client} />
            </>
          )}
        </>
      )}
    </DataPanel>
  )
}

const plainColumns: readonly Column<EdgeDecision>[] = [
  timeColumn('at', 'At', ({ at }) => at),
  textColumn('client', 'Client', ({ client }) => client),
  textColumn('country', 'Country', ({ country }) => country ?? '–'),
  textColumn('app', 'App', ({ app }) => app ?? 'any'),
  {
    id: 'outcome',
    title: 'Outcome',
    value: ({ outcome }) => outcome,
    cell: ({ outcome }) => <Badge tone={outcome === 'routed' ? 'good' : 'bad'}>{outcome}</Badge>,
  },
  textColumn('attempts', 'Tried', attemptsText),
]

function candidatesColumn(onShow: (decision: EdgeDecision) => void): Column<EdgeDecision> {
  return {
    id: 'candidates',
    title: 'Candidates',
    cell: (decision) => (
      <button type="button" className="quiet" onClick={() => onShow(decision)}>
        {decision.candidates.length} for {decision.client}
      </button>
    ),
  }
}

function attemptsText({ attempts }: EdgeDecision): string {
  return attempts
    .map(({ id, by, ms, failure }) => {
      const how = by === 'affinity' ? ', as before' : ''
      return `${id} (${ms.toFixed(1)} ms${how})${failure === null ? '' : `: ${failure}`}`
    })
    .join('; ')
}
