import { readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { messageOf, RefusalError } from '@corroport/bus'
import { type ConfigChange, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { AgentControl, StartOutcome } from '../agent/agent-control.ts'
import { inSteps } from '../agent/agent-restart.ts'
import { diffFiles } from '../config/diff.ts'
import type { Steps } from '../operations.ts'
import { digest, type Snapshot, toRealPath } from './agent-file.ts'
import type { ChangeStore, FinalState, Unfinished } from './change-store.ts'
import { backupPath, keepBackup, removeLeftover, replaceFile } from './replace-file.ts'

export interface Replacement {
  action: ConfigChange['action']
  by: string
  rolloutId: string | null
  before: Snapshot
  after: Buffer
}

export interface ReplacementDeps {
  configPath: string
  store: ChangeStore
  agent: AgentControl
  log: Logger
}

/**
 * Replaces the file of an agent so that it is always the old one or the new one, and the agent ends
 * on it: `intended` is kept before the file is touched, `written` after; what a killed process left
 * is told by the state and by which of the two the file is.
 */
export function createReplacements({ configPath, store, agent, log }: ReplacementDeps) {
  /** Written, then tried; what happens to it after that, `settle` decides. */
  const carryOut = async (wanted: Replacement, steps: Steps): Promise<ConfigChange> => {
    const { action, by, rolloutId, before, after } = wanted
    const sha256 = digest(after)
    if (sha256 === before.sha256) {
      throw new RefusalError('conflict', `nothing would change in ${before.path}`)
    }
    if (agent.refusal !== undefined) throw new RefusalError('unavailable', agent.refusal)
    if (store.unfinished()) await recover()

    const at = toTimestamp(nowMicroseconds())
    const backup = backupPath(before.path, at)
    const diff = diffFiles(basename(before.path), before.bytes.toString(), after.toString())
    const row = store.intend(
      {
        action,
        by,
        rollout_id: rolloutId,
        diff,
        sha256_before: before.sha256,
        sha256_after: sha256,
        backup,
        at,
      },
      { before: before.bytes, after },
    )
    log.info({ changeId: row.id, action, by }, 'configuration change began')
    let isWritten = false
    try {
      await steps.run('write', async (detail) => {
        detail(`the old file is ${backup}`)
        await keepBackup(before.path, backup, before.bytes)
        if (currentDigest() !== before.sha256) throw new Error('it was changed at the same moment')
        await replaceFile(before.path, after)
        isWritten = true
      })
    } catch (error) {
      // It was written and could not be shown: this process is stopping, and the next one goes on.
      if (isWritten) throw error
      return giveUp(row, `could not be written: ${messageOf(error)}`, steps)
    }
    store.written(row.id)
    return settle(row, steps)
  }

  /** After a failure to write, the file is mostly the old one; else the folder could not be synced. */
  const giveUp = (
    row: Unfinished,
    reason: string,
    steps: Steps,
  ): Promise<ConfigChange> | ConfigChange => {
    if (currentDigest() === row.sha256_before) return finish(row, 'abandoned', reason)
    store.undo(row.id, reason)
    return settle({ ...row, reason }, steps)
  }

  /** The file is the new one: the agent comes back on it, or the old one comes back. */
  const settle = async (row: Unfinished, steps: Steps | undefined): Promise<ConfigChange> => {
    let { reason } = row
    if (reason === null) {
      const outcome = await restart(`configuration: ${row.action} by ${row.by}`, steps)
      if (outcome.ok) return finish(row, 'applied', null)
      reason = explain(outcome)
      store.undo(row.id, reason)
      log.warn({ changeId: row.id, reason: outcome.reason }, 'agent did not come back, undoing')
    }
    const found = currentDigest()
    if (found !== row.sha256_before && found !== row.sha256_after) {
      return leave({ ...row, reason }, found)
    }
    const putBack = () => replaceFile(realpathSync(configPath), row.bytes_before)
    await (steps ? steps.run('write-back', putBack) : putBack())
    return settleOnOld(row, reason, steps)
  }

  const settleOnOld = async (
    row: Unfinished,
    reason: string,
    steps: Steps | undefined,
  ): Promise<ConfigChange> => {
    const outcome = await restart('configuration: back to the previous file', steps)
    if (outcome.ok) return finish(row, 'rolled-back', reason)
    log.error({ changeId: row.id, reason: outcome.reason }, 'agent is not back on the old file')
    return finish(
      row,
      'rolled-back',
      `${reason}\nalso not back on the old file: ${explain(outcome)}`,
    )
  }

  /** Someone else has changed the file meanwhile, and knows better. */
  const leave = (row: Unfinished, found: string | undefined): ConfigChange => {
    const is = found === undefined ? 'cannot be read' : `is ${found}`
    log.error({ changeId: row.id, sha256: found }, 'file was changed by hand, it is left as it is')
    const reason = `the file was changed by hand: it ${is}, not the old and not the new one`
    return finish(row, 'abandoned', row.reason === null ? reason : `${row.reason}\n${reason}`)
  }

  const finish = (row: Unfinished, to: FinalState, reason: string | null): ConfigChange => {
    const change = store.finish(row.id, to, reason)
    log.info({ changeId: row.id, state: to, reason }, 'configuration change ended')
    return change
  }

  const restart = (reason: string, steps: Steps | undefined): Promise<StartOutcome> =>
    steps ? inSteps(steps, (onStep) => agent.restart(reason, onStep)) : agent.restart(reason)

  const currentDigest = (): string | undefined => {
    try {
      return digest(readFileSync(configPath))
    } catch {
      return undefined // told as a file that is neither the old nor the new one
    }
  }

  const recover = async (): Promise<void> => {
    await removeLeftover(toRealPath(configPath))
    const row = store.unfinished()
    if (!row) return
    log.warn({ changeId: row.id, state: row.state }, 'a change of configuration was interrupted')
    const found = currentDigest()
    if (found === row.sha256_before && row.state === 'intended') {
      finish(row, 'abandoned', 'the process ended before the file was replaced')
    } else if (found !== row.sha256_before && found !== row.sha256_after) {
      leave(row, found)
    } else if (agent.refusal !== undefined) {
      log.error({ changeId: row.id, reason: agent.refusal }, 'agent cannot be restarted')
      finish(row, found === row.sha256_after ? 'applied' : 'rolled-back', agent.refusal)
    } else if (found === row.sha256_after) {
      store.written(row.id)
      await settle(row, undefined)
    } else {
      await settleOnOld(row, row.reason ?? 'the old file came back', undefined)
    }
  }

  return { carryOut, recover }
}

function explain(outcome: StartOutcome & { ok: false }): string {
  return [outcome.reason, ...outcome.lastLogLines].join('\n')
}
