import type { MessageLifeReply } from '@corroport/contracts'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { Twin } from '../../components/Twin.tsx'
import { textColumn } from '../../components/text-column.ts'
import { formatDuration } from '../../format/time.ts'
import { type Mark, marksOf, placeOf, spanOf } from './life-line.ts'

/** When which node got how far with a message, from its sending on. */
export function LifeLine({ life }: { life: MessageLifeReply }) {
  const marks = marksOf(life)
  if (marks.length === 0) return null
  return (
    <Twin
      id="life"
      picture={<Picture life={life} marks={marks} />}
      table={
        <Table
          caption="Times of the message by node"
          file="message-times"
          columns={columns}
          rows={marks}
          keyOf={({ nodeId, kind }) => `${nodeId} ${kind}`}
          empty="No time is known yet."
        />
      }
    />
  )
}

const columns: Column<Mark>[] = [
  textColumn('node', 'Node', ({ nodeId }) => nodeId),
  textColumn('what', 'What', ({ kind }) => kind),
  figureColumn('ms', 'Since it was sent', ({ ms }) => ms, formatDuration),
]

function Picture({ life, marks }: { life: MessageLifeReply; marks: readonly Mark[] }) {
  const span = spanOf(marks)
  const at = (ms: number) => ({ left: `${placeOf(ms, span)}%` })
  const acknowledged = marks.filter(({ kind }) => kind === 'acknowledged').length
  const label = `Time line from ${formatDuration(span.fromMs)} to ${formatDuration(span.toMs)} after sending: ${acknowledged} nodes acknowledged`
  return (
    <figure className="messages-line">
      <div role="img" aria-label={label} className="lanes">
        {life.nodes.map(({ node_id, waiting_ms }) => (
          <div key={node_id} className="lane">
            <span className="name">{node_id}</span>
            <span className={waiting_ms === null ? 'track' : 'track waiting'}>
              <span className="origin" style={at(0)} />
              {marks
                .filter(({ nodeId }) => nodeId === node_id)
                .map(({ kind, ms }) => (
                  <span
                    key={kind}
                    className={`mark ${kind}`}
                    style={at(ms)}
                    title={`${kind} ${formatDuration(ms)} after it was sent`}
                  />
                ))}
            </span>
          </div>
        ))}
        <div className="lane scale">
          <span className="name" />
          <span className="track">
            <span style={at(span.fromMs)}>{formatDuration(span.fromMs)}</span>
            <span className="end" style={at(span.toMs)}>
              {formatDuration(span.toMs)}
            </span>
          </span>
        </div>
      </div>
      <figcaption className="hint">
        <span className="key accepted" /> accepted · <span className="key seen" /> seen, by that
        node’s own clock · <span className="key acknowledged" /> acknowledged, by the origin’s clock
        · dashed: still missing
      </figcaption>
    </figure>
  )
}
