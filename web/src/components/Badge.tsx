import type { ReactNode } from 'react'

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'quiet'

const marks: Record<Tone, string> = { good: '●', warn: '▲', bad: '■', info: '◆', quiet: '○' }

/** A state by colour, form and word, so that none of them is needed alone. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`badge ${tone}`}>
      <span aria-hidden="true">{marks[tone]}</span> {children}
    </span>
  )
}

const tones: Readonly<Record<string, Tone>> = {
  ok: 'good',
  ready: 'good',
  present: 'good',
  alive: 'good',
  active: 'good',
  live: 'good',
  reachable: 'good',
  accepted: 'good',
  confirmed: 'good',
  succeeded: 'good',
  finished: 'good',
  done: 'good',
  completed: 'good',
  idle: 'good',
  degraded: 'warn',
  suspect: 'warn',
  restarting: 'warn',
  joining: 'warn',
  draining: 'warn',
  'partitioned?': 'warn',
  paused: 'warn',
  resuming: 'warn',
  owed: 'warn',
  pending: 'quiet',
  assigned: 'info',
  building: 'info',
  cancelled: 'warn',
  dead: 'bad',
  offline: 'bad',
  alarm: 'bad',
  unavailable: 'bad',
  unreachable: 'bad',
  down: 'bad',
  lost: 'bad',
  failed: 'bad',
  'given-up': 'bad',
  'rolled-back': 'bad',
  interrupted: 'bad',
  applying: 'info',
  checking: 'info',
  pausing: 'warn',
  aborting: 'warn',
  'rolling-back': 'warn',
  stopped: 'bad',
  aborted: 'bad',
  running: 'info',
  sent: 'info',
}

/** A state word of the API; one that is not known, or null, stays quiet. */
export function State({ of, title }: { of: string | null; title?: string }) {
  return (
    <span title={title}>
      <Badge tone={tones[of ?? ''] ?? 'quiet'}>{of ?? 'not known'}</Badge>
    </span>
  )
}
