import type { MembersReply } from '@corroport/contracts'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'

interface SourcesProps {
  of: MembersReply['sources']
  /** When they came. Unix milliseconds. */
  at: number
  /** How often they are asked for. Milliseconds. */
  everyMs: number
  onRefresh: () => void
}

// Agents write the table once a minute; the admin socket is asked each second.
const tableEveryMs = 60_000
const socketEveryMs = 1000

/** Where members are known from, and how well each source does. */
export function Sources({ of, at, everyMs, onRefresh }: SourcesProps) {
  const { declared, swim, nats } = of
  const swimStaleAfterMs = everyMs + (swim.source === 'table' ? tableEveryMs : socketEveryMs) * 3
  const rows = [
    {
      name: 'declared',
      by: declared.source,
      count: declared.count,
      age: <Age at={at} ageMs={declared.age_ms} />,
      state: declared.error === null ? 'ok' : 'failed',
      error: declared.error,
    },
    {
      name: 'SWIM',
      by: swim.source,
      count: swim.count,
      age: <Age at={at} ageMs={swim.age_ms} staleAfterMs={swimStaleAfterMs} />,
      state: swim.error === null ? 'ok' : 'failed',
      error: swim.error,
    },
    {
      name: 'NATS',
      by: 'announcements',
      count: nats.count,
      age: <Age at={at} />,
      state: nats.connected ? 'ok' : 'unavailable',
      error: nats.connected ? null : 'this gateway is not connected to NATS',
    },
  ]
  return (
    <div className="scroller">
      <table>
        <caption className="unseen">Sources of the members</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">By</th>
            <th scope="col" className="right">
              Members
            </th>
            <th scope="col">Taken</th>
            <th scope="col">State</th>
            <th scope="col">Last error</th>
            <th scope="col">
              <span className="unseen">Refresh</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, by, count, age, state, error }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{by}</td>
              <td className="right">{count}</td>
              <td>{age}</td>
              <td>
                <State of={state} />
              </td>
              <td className="cluster-error">{error ?? 'none'}</td>
              <td>
                <button type="button" className="quiet" onClick={onRefresh}>
                  Refresh<span className="unseen"> {name}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
