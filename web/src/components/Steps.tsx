import type { OperationStep } from '@corroport/contracts'
import { formatDuration } from '../format/time.ts'
import { State } from './Badge.tsx'

/** What was done one after the other, and how long each took. */
export function Steps({ of }: { of: readonly OperationStep[] }) {
  if (of.length === 0) return <p className="empty">No step has begun yet.</p>
  return (
    <div className="scroller">
      <table>
        <caption className="unseen">Steps</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">State</th>
            <th scope="col" className="right">
              Took
            </th>
            <th scope="col">Detail</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ name, state, ms, detail }, index) => (
            // A name may come twice, and no step ever changes its place.
            <tr key={index}>
              <td>{name}</td>
              <td>
                <State of={state} />
              </td>
              <td className="right">{ms === null ? '' : formatDuration(ms)}</td>
              <td className="prose">{detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
