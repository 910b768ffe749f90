import type { Experiment, ExperimentProgress, ExperimentReply } from '@corroport/contracts'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { messageOf } from '../../api/errors.ts'
import { experiments } from '../../api/experiments.ts'
import { type Figure, Figures } from '../../components/Figures.tsx'
import { InView } from '../../components/InView.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Tabs } from '../../components/Tabs.tsx'
import { Time } from '../../components/Time.tsx'
import { toast } from '../../components/toasts.ts'
import { formatBytes, formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { useGatewayNow } from '../../shell/gateway-now.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { DeleteExperiment } from './DeleteExperiment.tsx'
import { Environment } from './Environment.tsx'
import { ExperimentState } from './ExperimentState.tsx'
import { FiguresTabs } from './FiguresTabs.tsx'
import { doneShareOf, durationOf, isOver, isRunning, leftOf } from './progress.ts'
import { experimentQuery, paceOf } from './queries.ts'
import { type Tab, tabs } from './search.ts'

const titles: Record<Tab, string> = {
  summary: 'Summary',
  distribution: 'Distribution',
  time: 'Over time',
  receivers: 'Receivers',
  messages: 'Messages',
  environment: 'Environment',
}

/** One experiment: how far it is, what it found, and what it was. */
export function ExperimentPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { tab = 'summary' } = useSearch({ from: '/analytics' })
  const query = useQuery(experimentQuery(id))
  return (
    <InView>
      <DataPanel
        title={id}
        className="analytics-one"
        query={query}
        what={`experiment ${id}`}
        everyMs={paceOf(query.data)}
        actions={
          <>
            {query.data && <Steer reply={query.data} />}
            {query.data && (
              <DeleteExperiment id={id} isRunning={isRunning(query.data.experiment)} />
            )}
            <button type="button" className="quiet" onClick={onClose}>
              Close
            </button>
          </>
        }
      >
        {({ experiment, progress }) => (
          <>
            <Outline experiment={experiment} />
            {!isOver(experiment) && <Progress experiment={experiment} progress={progress} />}
            <Tabs label={`Parts of ${id}`} {...{ tabs, titles }} chosen={tab} />
            {tab === 'environment' ? (
              <Environment experiment={experiment} />
            ) : (
              <FiguresTabs experiment={experiment} tab={tab} />
            )}
            <Exports experiment={experiment} />
          </>
        )}
      </DataPanel>
    </InView>
  )
}

function Outline({ experiment }: { experiment: Experiment }) {
  const { plan, status, reason, shares, imported_from: imported } = experiment
  const now = useGatewayNow()
  const ms = durationOf(experiment, now)
  const troubled = shares.filter((share) => share.reason !== null && share.reason !== reason)
  return (
    <>
      <p>
        <ExperimentState of={status} /> <strong>{plan.name}</strong>
        {experiment.started_at !== null && (
          <>
            {' '}
            from <Time at={experiment.started_at} withDate />
          </>
        )}
        {ms !== null && `, ${formatDuration(ms)}`}
        {imported !== null && `, imported from ${imported}`}
      </p>
      {reason !== null && (
        <p className={`note ${status === 'interrupted' ? 'bad' : 'info'}`}>
          {status}: {reason}
        </p>
      )}
      {troubled.map(({ node_id: node, state, reason: why }) => (
        <p key={node} className="note warn">
          {node} {state}: {why}
        </p>
      ))}
      <p className="hint">{planText(experiment)}</p>
      {plan.note !== '' && <p className="analytics-note">{plan.note}</p>}
    </>
  )
}

function planText({ plan, expected }: Experiment): string {
  const over = plan.transports.join(' and ')
  const what =
    plan.count === 0
      ? `whatever was sent over ${over}`
      : `${formatCount(plan.count)} messages over ${over}, one every ${plan.interval_ms} ms`
  const turns = plan.origins.length > 1 ? ' in turn' : ''
  return `${what}, from ${plan.origins.join(', ')}${turns} to ${expected.length} nodes, ${formatBytes(plan.payload_bytes)} each, seed ${plan.seed}`
}

interface ProgressProps {
  experiment: Experiment
  progress: ExperimentProgress
}

function Progress({ experiment, progress }: ProgressProps) {
  const now = useGatewayNow()
  const share = doneShareOf(progress)
  const left = leftOf(experiment, progress, now)
  const { sent, planned, accepted, acks, expected_acks: expected, failed, skipped } = progress
  const count = (label: string, of: number, total?: number): Figure => ({
    label,
    value: formatCount(of),
    ...(total === undefined ? {} : { note: `of ${formatCount(total)}` }),
  })
  return (
    <div className="analytics-progress">
      {share !== undefined && (
        <progress value={share} max={1} aria-label={`progress of ${experiment.id}`}>
          {Math.round(share * 100)} %
        </progress>
      )}
      <Figures
        of={[
          count('Sent', sent, planned === 0 ? undefined : planned),
          count('Accepted', accepted),
          count('Acknowledged', acks, expected),
          ...(failed > 0 ? [count('Failed', failed)] : []),
          ...(skipped > 0 ? [count('Skipped', skipped)] : []),
          ...(left
            ? [{ label: 'Left', value: formatDuration(left.ms), note: `until ${left.until}` }]
            : []),
        ]}
      />
    </div>
  )
}

/** Start what was only stored; stop what runs. */
function Steer({ reply: { experiment } }: { reply: ExperimentReply }) {
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const { id, status } = experiment
  const verb = status === 'created' ? 'start' : 'stop'
  const steer = useMutation({
    mutationFn: () => experiments.steer(id, verb),
    onSuccess: async (reply) => {
      queries.setQueryData(['experiment', id], reply)
      toast('good', verb === 'stop' ? `${id} is being stopped` : `${id} is started`)
      await queries.invalidateQueries({ queryKey: ['experiments'] })
    },
    onError: (error) => toast('bad', `Could not ${verb} ${id}: ${messageOf(error)}`),
  })
  if (isOver(experiment)) return null
  return (
    <button
      type="button"
      className={verb === 'start' ? 'primary' : ''}
      onClick={() => steer.mutate()}
      disabled={steer.isPending || refusal !== undefined}
      title={refusal}
      aria-busy={steer.isPending}
    >
      {verb === 'start' ? 'Start' : 'Stop'}
    </button>
  )
}

function Exports({ experiment: { id } }: { experiment: Experiment }) {
  const files = experiments.files(id)
  return (
    <p className="analytics-exports">
      Export:{' '}
      <a href={files.records} download={`${id}.ndjson`}>
        records (NDJSON)
      </a>
      <a href={files.json} download={`${id}.json`}>
        JSON
      </a>
      <a href={files.csv} download={`${id}.csv`}>
        CSV
      </a>{' '}
      <span className="hint">
        The records can be imported again with nothing lost; JSON and CSV have the fields of the
        first CorroPort.
      </span>
    </p>
  )
}
