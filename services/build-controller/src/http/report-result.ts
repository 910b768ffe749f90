import { randomInt } from 'node:crypto'
import type { Draft } from '../files/storage.ts'
import { Refusal } from '../refusal.ts'
import { type Finish, finish, type Holder } from '../store/queue.ts'
import type { AppDeps } from './app.ts'

export interface ReportedResult {
  status: 'completed' | 'failed'
  reason?: string | undefined
  artifact?: Draft | undefined
}

/**
 * Ends a build. The file is where it stays before the row says so; of a report that is not accepted
 * nothing stays. Throws where the build is not theirs, or has ended otherwise.
 */
export async function reportResult(
  { pool, storage, liveLogs, log }: AppDeps,
  buildId: string,
  holder: Holder,
  { status, reason, artifact }: ReportedResult,
): Promise<Finish> {
  // Two reports of one build at once must not share a name.
  const name = `result-${randomInt(1_000_000_000)}`
  const result = artifact && (await artifact.keep(buildId, name))
  const ended = await finish(pool, buildId, holder, { status, reason, result })
  if (result && ended.result_name !== name) await storage.remove(buildId, name)
  switch (ended.outcome) {
    case 'finished':
      liveLogs.wake(buildId)
      log.debug({ buildId, status }, 'build ended')
      return ended
    case 'repeated':
      return ended
    case 'ended':
      throw new Refusal(409, `the build is ${ended.status} already`, { status: ended.status })
    case 'not-held':
      throw new Refusal(409, 'lease lost: the build is not held by this worker')
    case 'no-result':
      throw new Refusal(400, 'Missing result file')
    case 'unknown':
      throw new Refusal(404, 'Build not found')
    case 'unknown-worker':
      throw new Refusal(401, 'Unknown worker token: register again')
    default:
      ended.outcome satisfies never
      throw new Error('unreachable: an outcome that nobody knows')
  }
}
