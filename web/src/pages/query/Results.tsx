import type { QueryReply } from '@corroport/contracts'
import { Age } from '../../components/Age.tsx'
import { useNow } from '../../components/clock.ts'
import { Panel } from '../../components/Panel.tsx'
import { formatDuration } from '../../format/time.ts'
import { Comparison } from './Comparison.tsx'
import { NodeResult } from './NodeResult.tsx'
import type { Run } from './useRun.ts'

/** What was answered last: first what differs, then the rows of each node. */
export function Results({ run }: { run: Run }) {
  const { answer, failure, runningSince, wasCancelled } = run
  const isOther = failure !== undefined || runningSince !== undefined || wasCancelled
  return (
    <Panel title="Result" className="wide" aside={answer && <Age at={answer.at} />}>
      {runningSince !== undefined && <Running since={runningSince} />}
      {wasCancelled && <p className="note warn">Cancelled: the answer was not waited for.</p>}
      {answer && isOther && <p className="note warn">Below stands what an earlier run answered.</p>}
      {!answer && runningSince === undefined && (
        <p className="empty">Rows stand here after a statement was run.</p>
      )}
      {answer && <Answer key={answer.at} reply={answer.reply} sql={answer.asked.request.sql} />}
    </Panel>
  )
}

function Running({ since }: { since: number }) {
  const elapsed = Math.max(0, useNow() - since)
  return (
    <p className="loading" aria-busy="true" role="status">
      Running …{' '}
      <span aria-live="off">{elapsed < 1000 ? '' : `for ${formatDuration(elapsed)}`}</span>
    </p>
  )
}

function Answer({ reply, sql }: { reply: QueryReply; sql: string }) {
  const { results, comparison, comparison_error, limits } = reply
  const named = results.flatMap((each) => (each.node_id === null ? [] : [each]))
  const answered = named.filter(({ table }) => table !== null).map((each) => each.node_id ?? '')
  const silent = named.filter(({ table }) => table === null).map((each) => each.node_id ?? '')
  return (
    <>
      <p className="query-asked">
        <code>{sql}</code>
      </p>
      {comparison && <Comparison {...{ comparison, answered, silent }} />}
      {comparison_error !== null && (
        <p className="note warn">The nodes were not compared: {comparison_error}.</p>
      )}
      {results.map((result, place) => (
        <NodeResult
          key={result.node_id ?? 'analytics'}
          result={result}
          limits={limits}
          isOpen={results.length === 1 || (comparison === null && place === 0)}
        />
      ))}
    </>
  )
}
