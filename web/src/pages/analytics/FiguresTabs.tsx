import type { Experiment, ExperimentFigures, TransportFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Age } from '../../components/Age.tsx'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { Time } from '../../components/Time.tsx'
import { Distributions } from './Distributions.tsx'
import { MessageTable } from './MessageTable.tsx'
import { OverTime } from './OverTime.tsx'
import { isOver } from './progress.ts'
import { everyMs, figuresQuery, versionOf } from './queries.ts'
import { Receivers } from './Receivers.tsx'
import { Summary } from './Summary.tsx'
import type { Tab } from './search.ts'

interface FiguresTabsProps {
  experiment: Experiment
  tab: Exclude<Tab, 'environment'>
}

/** What an experiment found; while it runs, of what has arrived. */
export function FiguresTabs({ experiment, tab }: FiguresTabsProps) {
  const { id, status } = experiment
  const query = useQuery({
    ...figuresQuery(id, status),
    enabled: status !== 'created',
  })
  const { data, error, dataUpdatedAt, refetch } = query
  if (status === 'created') return <Empty>It is stored and not started; nothing was sent.</Empty>
  const figures = data?.figures
  return (
    <>
      {error !== null && (
        <ErrorNote error={error} what={`the figures of ${id}`} onRetry={() => void refetch()} />
      )}
      {figures === undefined && error === null && (
        <p className="loading" aria-busy="true">
          Loading the figures of {id} …
        </p>
      )}
      {figures && (
        <>
          <p className="hint">
            {figures.is_final ? 'Final figures, computed ' : 'Not final: of what had arrived by '}
            <Time at={figures.computed_at} withDate />, asked{' '}
            <Age
              at={dataUpdatedAt}
              staleAfterMs={3 * (isOver(experiment) ? everyMs.over : everyMs.figures)}
            />
          </p>
          <Parts experiment={experiment} figures={figures} tab={tab} />
        </>
      )}
    </>
  )
}

interface PartsProps extends FiguresTabsProps {
  figures: ExperimentFigures
}

function Parts({ experiment, figures, tab }: PartsProps) {
  const { transport } = useSearch({ from: '/analytics' })
  const [first] = figures.transports
  if (!first) return <Empty>Nothing was measured yet: the first message fills this.</Empty>
  const chosen = figures.transports.find((each) => each.transport === transport) ?? first
  const total = figures.transports.reduce((sum, { counts }) => sum + counts.acks, 0)
  const read = {
    experiment,
    figures: chosen,
    version: versionOf(figures),
    total,
    isFinal: figures.is_final,
  }
  if (tab === 'summary') return <Summary figures={figures} />
  if (tab === 'messages') {
    return <MessageTable experiment={experiment} version={versionOf(figures)} />
  }
  return (
    <>
      <TransportChoice transports={figures.transports} chosen={chosen.transport} />
      {tab === 'distribution' && (
        <Distributions figures={chosen} all={figures.transports} id={experiment.id} />
      )}
      {tab === 'time' && <OverTime {...read} />}
      {tab === 'receivers' && <Receivers {...read} />}
    </>
  )
}

interface TransportChoiceProps {
  transports: readonly TransportFigures[]
  chosen: string
}

function TransportChoice({ transports, chosen }: TransportChoiceProps) {
  const navigate = useNavigate({ from: '/analytics' })
  if (transports.length < 2) return null
  return (
    <div className="analytics-choice" role="group" aria-label="Transport">
      {transports.map(({ transport }) => (
        <button
          key={transport}
          type="button"
          className="quiet"
          aria-pressed={transport === chosen}
          onClick={() =>
            void navigate({
              search: (search) => ({ ...search, transport }),
              replace: true,
              resetScroll: false,
            })
          }
        >
          {transport}
        </button>
      ))}
    </div>
  )
}
