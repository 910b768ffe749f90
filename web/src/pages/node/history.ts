import type {
  ConfigChange,
  LifecycleFailed,
  LifecycleReady,
  LifecycleRestarting,
  Operation,
  RecordsReply,
  StoredRecord,
  SubscriptionAudited,
  subscriptionGapped,
  subscriptionLive,
  subscriptionResumed,
} from '@corroport/contracts'
import type { Static } from 'typebox'
import type { Tone } from '../../components/Badge.tsx'
import { formatDuration } from '../../format/time.ts'

/** One thing that happened to a node. */
export interface Happening {
  key: string
  at: string
  /** `lifecycle.ready`, as its subject has it. */
  name: string
  tone: Tone
  text: string
}

/** The subjects of what happens to one node. */
export function subjectsOf(nodeId: string): string {
  return ['lifecycle', 'config', 'operation', 'subscription']
    .map((noun) => `corro.${noun}.*.${nodeId}`)
    .join(',')
}

/** What the records of a node tell, newest first; of an operation only how it stands last. */
export function happeningsOf(records: RecordsReply['records']): Happening[] {
  const told = new Set<string>()
  const happenings: Happening[] = []
  for (const record of records) {
    const name = record.subject.split('.').slice(1, 3).join('.')
    if (name === 'operation.changed' && record.violation === null) {
      const { id } = (record.payload as { operation: Operation }).operation
      if (told.has(id)) continue
      told.add(id)
    }
    const { tone, text } = describe(name, record)
    const key = `${record.stream} ${record.sequence}`
    happenings.push({ key, at: record.stored_at, name, tone, text })
  }
  return happenings
}

// The gateway marks what does not fit the contract of its subject; the rest is what it says it is.
function describe(
  name: string,
  { payload, violation }: StoredRecord,
): Pick<Happening, 'tone' | 'text'> {
  if (violation !== null) return { tone: 'bad', text: `fits no contract: ${violation}` }
  switch (name) {
    case 'lifecycle.restarting': {
      const { reason } = payload as LifecycleRestarting
      return { tone: 'warn', text: `the agent is restarted: ${reason}` }
    }
    case 'lifecycle.ready': {
      const { stepsMs } = payload as LifecycleReady
      return { tone: 'good', text: `the agent is back: ${describeSteps(stepsMs)}` }
    }
    case 'lifecycle.failed': {
      const { reason } = payload as LifecycleFailed
      return { tone: 'bad', text: `the agent did not come back: ${reason}` }
    }
    case 'config.applied':
    case 'config.rejected':
    case 'config.rolled-back': {
      const { change } = payload as { change: ConfigChange }
      const why = change.reason === null ? '' : `: ${change.reason}`
      const text = `${change.action} by ${change.by}, ${change.state}${why}`
      return { tone: name === 'config.applied' ? 'good' : 'bad', text }
    }
    case 'operation.changed':
      return describeOperation((payload as { operation: Operation }).operation)
    case 'subscription.live': {
      const { table, caughtUpRows } = payload as Static<typeof subscriptionLive.schema>
      return { tone: 'good', text: `${table} is followed, ${caughtUpRows} rows caught up` }
    }
    case 'subscription.resumed': {
      const { table, fromChangeId } = payload as Static<typeof subscriptionResumed.schema>
      return { tone: 'good', text: `${table} goes on from change ${fromChangeId}` }
    }
    case 'subscription.lost':
    case 'subscription.gapped': {
      const { table, reason } = payload as Static<typeof subscriptionGapped.schema>
      return { tone: 'bad', text: `${table}: ${reason}` }
    }
    case 'subscription.paused': {
      const { table } = payload as { table: string }
      return { tone: 'warn', text: `${table} is closed for a restart` }
    }
    case 'subscription.audited': {
      const { table, rows, differing } = payload as SubscriptionAudited
      const tone = differing === 0 ? 'quiet' : 'bad'
      return { tone, text: `${table}: ${rows} rows compared, ${differing} differ` }
    }
    default:
      return { tone: 'quiet', text: JSON.stringify(payload) }
  }
}

const operationTones = {
  running: 'info',
  succeeded: 'good',
  failed: 'bad',
  interrupted: 'bad',
} as const

function describeOperation({ kind, by, state, reason, steps }: Operation): {
  tone: Tone
  text: string
} {
  const running = steps.findLast((step) => step.state === 'running')
  const where = running === undefined ? '' : `, at ${running.name}`
  const why = reason === null ? '' : `: ${reason}`
  return { tone: operationTones[state], text: `${kind} by ${by}, ${state}${where}${why}` }
}

/** `stop 6.0 s, start 3.0 ms` */
export function describeSteps(stepsMs: Readonly<Record<string, number>>): string {
  return Object.entries(stepsMs)
    .map(([step, ms]) => `${step} ${formatDuration(ms)}`)
    .join(', ')
}
