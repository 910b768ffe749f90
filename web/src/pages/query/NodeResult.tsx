import type { QueryFreshness, QueryReply, QueryResult, QueryTable } from '@corroport/contracts'
import { useState } from 'react'
import { Badge } from '../../components/Badge.tsx'
import { Time } from '../../components/Time.tsx'
import { formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'
import { ResultTable, SaveTable } from './ResultTable.tsx'

interface NodeResultProps {
  result: QueryResult
  limits: QueryReply['limits']
  isOpen: boolean
}

/** What one node answered, with how far it was; its rows are made when they are wanted. */
export function NodeResult({ result, limits, isOpen: isOpenFirst }: NodeResultProps) {
  const { node_id: nodeId, table, freshness, error } = result
  const [isOpen, setOpen] = useState(isOpenFirst)
  const name = nodeId ?? 'analytics'
  if (error !== null || table === null) {
    return (
      <p className="note bad">
        <strong>{name}:</strong> {error ?? 'it gave no rows'}
      </p>
    )
  }
  return (
    <details
      className="query-result"
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <strong>{name}</strong> {formatCount(table.rows.length)}{' '}
        {table.rows.length === 1 ? 'row' : 'rows'} in {formatDuration(table.tookMs)}{' '}
        {table.cut !== null && (
          <Badge tone="warn">there are more: {cutText(table.cut, limits)}</Badge>
        )}
      </summary>
      {isOpen && (
        <>
          <div className="query-beside">
            {freshness && <Freshness of={freshness} />}
            <span className="query-save">
              <SaveTable table={table} file={`query-${name}`} />
            </span>
          </div>
          <ResultTable table={table} caption={`Rows of ${name}`} />
        </>
      )}
    </details>
  )
}

function Freshness({ of }: { of: QueryFreshness }) {
  const { takenAt, actorId, neededVersions, queueSize } = of
  const isBehind = (neededVersions ?? 0) > 0 || (queueSize ?? 0) > 0
  return (
    <span className="aside">
      {isBehind && <Badge tone="warn">behind</Badge>} taken at <Time at={takenAt} />,{' '}
      {countText(neededVersions)} versions missing, {countText(queueSize)} changes waiting
      {actorId !== null && (
        <>
          , actor <code title={actorId}>{actorId.slice(0, 8)}</code>
        </>
      )}
    </span>
  )
}

function countText(count: number | null): string {
  return count === null ? 'unknown' : formatCount(count)
}

function cutText(cut: NonNullable<QueryTable['cut']>, limits: QueryReply['limits']): string {
  if (cut === 'rows') return `cut at ${formatCount(limits.max_rows)} rows`
  if (cut === 'time') return `cut after ${formatDuration(limits.timeout_ms)}`
  return 'cut by the size of an answer'
}
