import type { RoundTripsReply } from '@corroport/contracts'
import { useNavigate } from '@tanstack/react-router'
import { formatDuration } from '../../format/time.ts'
import { deviationsOf, formatDeviations, levelOf, type Matrix, type MatrixCell } from './matrix.ts'

interface MatrixTableProps {
  matrix: Matrix
  reply: RoundTripsReply
  isOfRegions: boolean
}

/** Who measured what to whom; a colour says how far that is off the mean of all. */
export function MatrixTable({ matrix: { axis, cell }, reply, isOfRegions }: MatrixTableProps) {
  return (
    <section className="scroller cluster-matrix" tabIndex={0} aria-label="Matrix of round trips">
      <table>
        <caption className="unseen">Round trips from the row to the column</caption>
        <thead>
          <tr>
            <th scope="col">from ↓ to →</th>
            {axis.map(({ id, region }) => (
              <th key={id} scope="col">
                {id}
                {region !== null && <small>{region}</small>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {axis.map((row) => (
            <tr key={row.id}>
              <th scope="row">
                {row.id}
                {row.region !== null && <small>{row.region}</small>}
              </th>
              {axis.map(({ id }) => (
                <Cell
                  key={id}
                  from={row.id}
                  to={id}
                  cell={cell(row.id, id)}
                  error={row.error}
                  reply={reply}
                  isOfRegions={isOfRegions}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

interface CellProps {
  from: string
  to: string
  cell: MatrixCell | undefined
  /** Why the SWIM of the row is not known. */
  error: string | null
  reply: RoundTripsReply
  isOfRegions: boolean
}

function Cell({ from, to, cell, error, reply, isOfRegions }: CellProps) {
  const navigate = useNavigate({ from: '/cluster' })
  if (!cell) {
    const isItself = from === to
    return (
      <td className={isItself ? 'itself' : 'failed'} title={isItself ? 'itself' : (error ?? '')}>
        {isItself ? '–' : (error ?? 'not known')}
      </td>
    )
  }
  const { rttMs, links, failed, state } = cell
  if (rttMs === null || (!isOfRegions && failed > 0)) {
    return (
      <td className="failed" title={error ?? undefined}>
        {state ?? 'not known'}
        <small>
          {rttMs === null ? (error ?? 'not measured') : `last ${formatDuration(rttMs)}`}
        </small>
      </td>
    )
  }
  const deviations = deviationsOf(rttMs, reply)
  const figures = (
    <>
      {formatDuration(rttMs)}
      <small>
        {deviations === null ? '' : formatDeviations(deviations)}
        {isOfRegions && ` n=${links}`}
        {failed > 0 && <span className="fails"> ■ {failed} failed</span>}
      </small>
    </>
  )
  if (!isOfRegions) return <td className={levelOf(deviations)}>{figures}</td>
  return (
    <td className={levelOf(deviations)}>
      <button
        type="button"
        title={`the links from ${from} to ${to}`}
        onClick={() =>
          void navigate({ search: (old) => ({ ...old, pair: `${from} ~ ${to}` }), replace: true })
        }
      >
        {figures}
      </button>
    </td>
  )
}
