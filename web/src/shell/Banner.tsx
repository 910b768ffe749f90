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
          {text} <Age at={at} />
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

export function linesOf({ connection, since, away, status }: LiveState): Line[] {
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
  const lines = planeLines(status.value).map((text) => ({ text, at: status.at }))
  if (away !== null && !lines.some(({ text }) => text.startsWith('NATS'))) {
    lines.push({ text: `NATS: ${away}. Live events wait.`, at: status.at })
  }
  return lines
}

function planeLines({ node, planes }: ClusterStatus): string[] {
  const lines: string[] = []
  const { corrosion, nats, postgres } = planes
  if (corrosion.agent === 'unreachable') {
    lines.push(
      `The agent of ${node.id} does not answer${because(corrosion.error)}: its tables cannot be read or written.`,
    )
  }
  if (nats.state === 'unavailable') {
    lines.push(
      `NATS is away${because(nats.error)}: live events, direct messages and what other nodes are asked wait.`,
    )
  }
  if (postgres.state === 'unavailable') {
    lines.push(
      `Postgres is away${because(postgres.error)}: experiments and history cannot be read; records wait in NATS.`,
    )
  }
  return lines
}

function because(error: string | null): string {
  return error === null ? '' : ` (${error})`
}
