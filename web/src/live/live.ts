import {
  type ClusterStatus,
  type LiveEvent,
  type LiveNotice,
  type LiveTopic,
  liveTopics,
  matches,
} from '@corroport/contracts'
import { gatewayNow } from '../api/gateway-clock.ts'
import { withQuery } from '../api/http.ts'
import { type Connection, type ConnectionState, openConnection } from './connection.ts'
import { isSubjectFilter } from './subject-filter.ts'

type Plane = keyof ClusterStatus['planes']

/** What the whole page knows of its stream. */
export interface LiveState {
  connection: ConnectionState
  /** When the connection came into this state. Unix milliseconds. */
  since: number
  /** The gateway is there, but cannot read records; with its reason, and since when. */
  away: { reason: string; since: number } | null
  /** The gateway's own word on the cluster, and when it came. */
  status: { value: ClusterStatus; at: number } | null
  /** Planes that are down, and since when this page knows it. Unix milliseconds. */
  downSince: Readonly<Partial<Record<Plane, number>>>
  /** Records that are gone, newest last; `at` by the clock of the gateway. */
  gaps: readonly { at: number; reason: string }[]
  /** Events that were left out because they came faster than was asked for. */
  skipped: number
}

/** An event by the name that its subject gives it, such as `ack.received`. */
export interface NamedEvent extends LiveEvent {
  name: string
}

export interface LiveWish {
  topics?: readonly LiveTopic[]
  /** Filters as of NATS, besides the topics. */
  subjects?: string
  /** At most so many events a second. */
  rate?: number
}

export interface Live {
  read: () => LiveState
  onChange: (listener: () => void) => () => void
  /** Calls back with what came since the last frame that was painted, oldest first. */
  hear(wish: LiveWish, listener: (events: NamedEvent[]) => void): () => void
  /** After somebody signed in or out. */
  reconnect(): void
}

const keptGaps = 20
// A page in the background paints no frames.
const mostWaitMs = 250
const notices = new Set(['status', 'gap', 'skipped', 'away', 'back', 'denied', 'dropped'])

export function openLive(): Live {
  let state: LiveState = {
    connection: { name: 'connecting' },
    since: Date.now(),
    away: null,
    status: null,
    downSince: {},
    gaps: [],
    skipped: 0,
  }
  const listeners = new Set<() => void>()
  const hearers = new Map<(events: NamedEvent[]) => void, LiveWish>()
  let connection: Connection | undefined
  let wanted = ''
  let waiting: NamedEvent[] = []
  let frame: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const change = (part: Partial<LiveState>): void => {
    state = { ...state, ...part }
    for (const listener of listeners) listener()
  }

  const addGap = (reason: string): void =>
    change({ gaps: [...state.gaps, { at: gatewayNow(), reason }].slice(-keptGaps) })

  const deliver = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame)
    clearTimeout(timer)
    frame = undefined
    const events = waiting
    waiting = []
    for (const [listener, wish] of hearers) {
      const own = events.filter(({ subject }) => wants(wish, subject))
      if (own.length === 0) continue
      try {
        listener(own)
      } catch (error) {
        reportError(error) // what one part of a page does wrong, the others still hear
      }
    }
  }
  const queue = (event: NamedEvent): void => {
    waiting.push(event)
    if (frame !== undefined) return
    frame = requestAnimationFrame(deliver)
    timer = setTimeout(deliver, mostWaitMs)
  }

  /** Gives the reason of a notice after which the stream ends. */
  const take = (type: string, data: string): string | undefined => {
    const value: unknown = JSON.parse(data)
    if (!notices.has(type)) {
      queue({ ...(value as LiveEvent), name: type })
      return undefined
    }
    if (type === 'status') {
      const status = { value: value as ClusterStatus, at: Date.now() }
      change({ status, downSince: sinceWhen(status, state.downSince) })
      return undefined
    }
    const { reason = '', stream, count = 0 } = value as LiveNotice
    if (type === 'away') change({ away: { reason, since: Date.now() } })
    else if (type === 'back') change({ away: null })
    else if (type === 'skipped') change({ skipped: state.skipped + count })
    else if (type === 'gap') addGap(stream === undefined ? reason : `${stream}: ${reason}`)
    // Whoever is cut off goes on from where it stood: nothing of it is missing.
    return type === 'dropped' || type === 'denied' ? reason : undefined
  }

  const addressOf = (cursor: string | undefined): string => {
    const { topics, subjects, rate } = sumOf([...hearers.values()])
    return withQuery('/api/events', { topics, subjects, rate, status: true, cursor })
  }
  const rewish = (): void => {
    const sum = JSON.stringify(sumOf([...hearers.values()]))
    if (sum === wanted) return
    wanted = sum
    connection?.reopen()
  }

  connection = openConnection({
    address: addressOf,
    onEvent: ({ type, data = 'null' }) => take(type, data),
    onGap: addGap,
    onState: (next) => {
      // Trying again is not being there again: a gateway that hangs would be away only now and then.
      if (next.name === 'connecting' && state.connection.name === 'lost') return
      if (next.name === state.connection.name && next.name !== 'lost') return
      const isNew = next.name !== state.connection.name
      // A stream that begins says by itself whether records can be read.
      const away = next.name === 'open' ? null : state.away
      change({ connection: next, away, ...(isNew ? { since: Date.now() } : {}) })
    },
  })

  return {
    read: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    hear(wish, listener) {
      hearers.set(listener, wish)
      // Pages that change places leave and come in one turn.
      queueMicrotask(rewish)
      return () => {
        hearers.delete(listener)
        setTimeout(rewish, 1000)
      }
    },
    reconnect: () => connection.reopen(),
  }
}

function sinceWhen(
  { value: { planes }, at }: NonNullable<LiveState['status']>,
  before: LiveState['downSince'],
): LiveState['downSince'] {
  return Object.fromEntries(
    (Object.keys(planes) as Plane[])
      .filter((plane) => planes[plane].state === 'unavailable')
      .map((plane) => [plane, before[plane] ?? at]),
  )
}

/** What all together want. The stream always carries something, so that its place is known. */
function sumOf(wishes: LiveWish[]): { topics: string; subjects: string; rate: number | undefined } {
  const topics = new Set<LiveTopic>(['cluster'])
  const subjects = new Set<string>()
  let rate: number | undefined
  for (const wish of wishes) {
    for (const topic of wish.topics ?? []) topics.add(topic)
    for (const filter of wish.subjects?.split(',') ?? []) {
      if (isSubjectFilter(filter)) subjects.add(filter)
    }
    if (wish.rate !== undefined) rate = Math.max(rate ?? 0, wish.rate)
  }
  return { topics: [...topics].toSorted().join(','), subjects: [...subjects].join(','), rate }
}

function wants({ topics = [], subjects = '' }: LiveWish, subject: string): boolean {
  return (
    topics.some((topic) => liveTopics[topic].some((filter) => matches(filter, subject))) ||
    subjects.split(',').some((filter) => filter !== '' && matches(filter, subject))
  )
}
