import type { ClusterStatus } from '@corroport/contracts'
import { Age } from '../components/Age.tsx'
import { useLiveState } from '../live/hooks.ts'
import type { LiveState } from '../live/live.ts'

/** Says above every page which part is down, since when, and what that means for what is seen. */
export function Banner() {
  const state = useLiveState()
  const lines = linesOf(state)
  return (
    <div aria-live="polite" className="banners">
      {lines.map(({ text, at }) => (
        <p key={text} className="banner">
          {text} {/* Said once, not again with each second. */}
          <span aria-live="off">
            <Age at={at} />
          </span>
        </p>
      ))}
    </div>
  )
}

interface Line {
  text: string
  /** Unix milliseconds. */
  at: number
}

function linesOf({ connection, since, away, status, downSince }: LiveState): Line[] {
  if (connection.name === 'lost') {
    const text = `No connection to the gateway: ${connection.reason}. What you see is as it was; it is tried again.`
    return [{ text, at: since }]
  }
  if (connection.name === 'denied') {
    return [
      { text: `The gateway refuses this page: ${connection.reason}. Sign in again.`, at: since },
    ]
  }
  if (!status) return []
  const lines = planeLines(status.value, downSince)
  if (away !== null && downSince.nats === undefined) {
    lines.push({ text: `NATS: ${away.reason}. Live events wait.`, at: away.since })
  }
  return lines
}

function planeLines({ node, planes }: ClusterStatus, since: LiveState['downSince']): Line[] {
  const lines: Line[] = []
  const { corrosion, nats, postgres } = planes
  if (since.corrosion !== undefined) {
    const text =
      node.state === 'left'
        ? `${node.id} has left the cluster: its agent is stopped until it joins again.`
        : `The agent of ${node.id} does not answer${because(corrosion.error)}: its tables cannot be read or written.`
    lines.push({ text, at: since.corrosion })
  }
  if (since.nats !== undefined) {
    const text = `NATS is away${because(nats.error)}: live events, direct messages and what other nodes are asked wait.`
    lines.push({ text, at: since.nats })
  }
  if (since.postgres !== undefined) {
    const text = `Postgres is away${because(postgres.error)}: experiments and history cannot be read; records wait in NATS.`
    lines.push({ text, at: since.postgres })
  }
  return lines
}

function because(error: string | null): string {
  return error === null ? '' : ` (${error})`
}
