import { type Bus, CommandError, messageOf } from '@corroport/bus'
import {
  type Experiment,
  fromTimestamp,
  nowMicroseconds,
  type Share,
  shareEnded,
  shareOrdered,
  shareQueried,
  shareStopped,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Db } from '../store/database.ts'
import { createShareOrder, sendingMsOf } from './experiment-plan.ts'
import { findEndedShare, type StoredExperiment } from './experiment-rows.ts'
import { stopReason } from './outcome.ts'

// All origins begin at one moment, which lies so far ahead that every order has arrived by then.
const startDelayMs = 1500
const orderWithinMs = 5000

export interface ShareDeps {
  db: Db
  bus: Bus
  log: Logger
  /** An origin that is silent for so long after its share should have ended is given up. */
  patienceMs: number
}

/** Since when origins do not answer, by this process' monotonic clock. */
export type Silences = Map<string, number>

/** How far an origin is with its share, which it is told to begin or to end where that is due. */
export async function askShare(
  { db, bus, log, patienceMs }: ShareDeps,
  { experiment, stoppedBy }: StoredExperiment,
  share: Share,
  silences: Silences,
): Promise<Share> {
  const nodeId = share.node_id
  if (share.state === 'ended' || share.state === 'lost') return share
  try {
    const answer = await ask(bus, experiment, stoppedBy, share)
    silences.delete(nodeId)
    return answer
  } catch (error) {
    const isRefused = error instanceof CommandError && error.reason === 'refused'
    if (share.state === 'waiting' && isRefused) {
      return { ...share, state: 'lost', reason: messageOf(error) }
    }
    const told = share.state === 'running' && (await findEndedShare(db, experiment.id, nodeId))
    if (told) return shareEnded.parse(told).share
    if (!bus.isConnected) {
      // Nobody can be heard: that is no silence of this origin.
      silences.delete(nodeId)
      return share
    }
    const now = performance.now()
    const since = silences.get(nodeId) ?? now
    if (!silences.has(nodeId)) {
      silences.set(nodeId, since)
      log.warn(
        { experimentId: experiment.id, nodeId, reason: messageOf(error) },
        'origin is silent',
      )
    }
    const silentMs = now - since
    const isGivenUp =
      share.state === 'waiting'
        ? silentMs >= orderWithinMs
        : silentMs >= patienceMs && (stoppedBy !== null || hasPassed(experiment))
    if (!isGivenUp) return share
    const reason = `its gateway did not answer for ${(silentMs / 1000).toFixed(0)} s`
    // It may have heard the order all the same.
    const stop = { experimentId: experiment.id, reason }
    await bus.request(shareStopped, { nodeId }, stop).catch(() => undefined) // it is silent
    return { ...share, state: 'lost', reason }
  }
}

async function ask(
  bus: Bus,
  experiment: Experiment,
  stoppedBy: string | null,
  share: Share,
): Promise<Share> {
  const { id } = experiment
  const nodeId = share.node_id
  if (stoppedBy !== null) {
    const stop = { experimentId: id, reason: stopReason(stoppedBy) }
    const answer = await bus.request(shareStopped, { nodeId }, stop)
    if (answer.share) return answer.share
    return share.state === 'waiting' ? { ...share, state: 'ended' } : forgotten(share)
  }
  if (share.state === 'waiting') {
    const startsAt = startOf(experiment) + startDelayMs * 1000
    const startsInMs = Math.round((startsAt - nowMicroseconds()) / 1000)
    const order = createShareOrder(experiment, nodeId, Math.min(Math.max(0, startsInMs), 60_000))
    return (await bus.request(shareOrdered, { nodeId }, order)).share
  }
  const answer = await bus.request(shareQueried, { nodeId }, { experimentId: id })
  return answer.share ?? forgotten(share)
}

const forgotten = (share: Share): Share => ({
  ...share,
  state: 'lost',
  reason: 'its gateway knows nothing of it',
})

const startOf = ({ started_at: startedAt }: Experiment): number =>
  fromTimestamp(startedAt ?? '') ?? 0

/** Whether all should have been sent by now. */
function hasPassed(experiment: Experiment): boolean {
  const sendingMs = sendingMsOf(experiment.plan)
  if (sendingMs === undefined) return false
  return nowMicroseconds() > startOf(experiment) + (startDelayMs + sendingMs) * 1000
}
