import type { Experiment, ExperimentFigures, TransportFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Answer, AnswerAge } from '../../components/Answer.tsx'
import { Empty } from '../../components/Notice.tsx'
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
  const query = useQuery({ ...figuresQuery(id, status), enabled: status !== 'created' })
  if (status === 'created') return <Empty>It is stored and not started; nothing was sent.</Empty>
  const pace = isOver(experiment) ? everyMs.over : everyMs.figures
  return (
    <Answer query={query} what={`the figures of ${id}`}>
      {({ figures }) => (
        <>
          <p className="hint">
            {figures.is_final ? 'Final figures, computed ' : 'Not final: of what had arrived by '}
            <Time at={figures.computed_at} withDate />, asked{' '}
            <AnswerAge query={query} everyMs={pace} />
          </p>
          <Parts experiment={experiment} figures={figures} tab={tab} />
        </>
      )}
    </Answer>
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
  const version = versionOf(figures)
  const measured = { experiment, figures: chosen, version, total, isFinal: figures.is_final }
  if (tab === 'summary') return <Summary figures={figures} />
  if (tab === 'messages') return <MessageTable id={experiment.id} version={version} />
  return (
    <>
      <TransportChoice transports={figures.transports} chosen={chosen.transport} />
      {tab === 'distribution' && (
        <Distributions figures={chosen} all={figures.transports} id={experiment.id} />
      )}
      {tab === 'time' && <OverTime of={measured} />}
      {tab === 'receivers' && <Receivers of={measured} />}
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
