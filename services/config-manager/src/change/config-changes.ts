import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { RefusalError, type StateFile } from '@corroport/bus'
import {
  type CheckedEdit,
  type ConfigChange,
  type ConfigEdit,
  type ConfigFile,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import type { AgentControl } from '../agent/agent-control.ts'
import { checkEdit } from '../config/check-edit.ts'
import { diffFiles } from '../config/diff.ts'
import { maskText, maskValue } from '../config/mask.ts'
import { resolveHosts } from '../config/resolve.ts'
import { bootstrapOf, findLosses, gossipAddress } from '../config/settings.ts'
import { parseToml, type TomlTable } from '../config/toml.ts'
import type { Steps } from '../operations.ts'
import {
  digest,
  readBackup,
  readParsed,
  readSnapshot,
  requireDigest,
  type Snapshot,
  tableOf,
} from './agent-file.ts'
import { createChangeStore } from './change-store.ts'
import { createReplacements } from './replacement.ts'

/** The file of this node's agent, and every change of it, each either done or undone. */
export interface ConfigChanges {
  /** Throws `RefusalError('unavailable')` when the file is missing, unreadable or no TOML. */
  read(): ConfigFile
  /** Resolves names; writes nothing. */
  check(edit: ConfigEdit): Promise<Omit<CheckedEdit, 'agent' | 'clock'>>
  /**
   * Replaces the file, restarts the agent, and puts the old file back when the agent does not come
   * back on the new one. Throws `RefusalError('conflict')` when the file is no longer
   * `sha256Before`. Resolves with a change whose state is `applied`, `rolled-back` or `abandoned`.
   */
  apply(
    wanted: {
      edit: ConfigEdit
      sha256Before: string
      sha256After: string
      by: string
      rolloutId: string | null
    },
    steps: Steps,
  ): Promise<ConfigChange>
  /**
   * Puts back the file of before the last applied change, or before the one of this rollout. Done
   * twice, it is back where it was.
   */
  rollBack(by: string, steps: Steps, rolloutId?: string): Promise<ConfigChange>
  restoreCanonical(by: string, steps: Steps): Promise<ConfigChange>
  /** Newest first. */
  latest(count: number): ConfigChange[]
  /** What stands of a rollout's changes here: its change, or the one that undid it. */
  ofRollout(rolloutId: string): ConfigChange | undefined
  /** Ends what a killed process left half done. To be awaited before anything else is asked. */
  recover(): Promise<void>
}

export interface ConfigChangesDeps {
  nodeId: string
  /** The file that the agent runs from. Where it is a link, what it leads to is replaced. */
  configPath: string
  canonicalPath: string | null
  state: StateFile
  agent: AgentControl
  /** Over the address in the file. */
  toldAddress?: () => string | null
  log: Logger
}

export function createConfigChanges(deps: ConfigChangesDeps): ConfigChanges {
  const { nodeId, configPath, canonicalPath, state, agent, log } = deps
  const addressOf = (table: TomlTable): string | null =>
    deps.toldAddress?.() ?? gossipAddress(table)
  const store = createChangeStore(state, nodeId)
  const { carryOut, recover } = createReplacements({ configPath, store, agent, log })

  const readCanonical = (): Snapshot | null => {
    if (canonicalPath === null) return null
    try {
      return readSnapshot(canonicalPath)
    } catch (err) {
      log.warn({ err, path: canonicalPath }, 'canonical configuration cannot be read')
      return null
    }
  }

  return {
    read() {
      const { bytes, sha256, table, text } = readParsed(configPath)
      const canonical = readCanonical()
      return {
        node_id: nodeId,
        path: configPath,
        text: maskText(text),
        parsed: maskValue(table),
        size_bytes: bytes.length,
        modified_at: toTimestamp(statSync(configPath).mtimeMs * 1000),
        sha256,
        bootstrap: bootstrapOf(table),
        gossip_address: addressOf(table),
        canonical:
          canonical && canonicalPath !== null
            ? {
                path: canonicalPath,
                sha256: canonical.sha256,
                differs: canonical.sha256 !== sha256,
              }
            : null,
      }
    },

    async check(edit) {
      const { text, table, path, sha256 } = readParsed(configPath)
      const edited = checkEdit(text, edit)
      const after = parseToml(edited.text).table
      const gossipAfter = addressOf(after)
      return {
        node_id: nodeId,
        diff: diffFiles(basename(path), text, edited.text),
        sha256_before: sha256,
        sha256_after: digest(edited.text),
        bootstrap_before: bootstrapOf(table),
        bootstrap_after: bootstrapOf(after),
        gossip_address_before: addressOf(table),
        gossip_address_after: gossipAfter,
        resolved: await resolveHosts(bootstrapOf(after), gossipAfter),
        problems: edited.problems,
        warnings: edited.warnings,
      }
    },

    async apply({ edit, sha256Before, sha256After, by, rolloutId }, steps) {
      const before = readParsed(configPath)
      requireDigest(before, sha256Before, 'since it was planned')
      const { text, problems } = checkEdit(before.text, edit)
      if (problems.length > 0) {
        throw new RefusalError('invalid', `${nodeId} cannot be changed so`, problems)
      }
      if (digest(text) !== sha256After) {
        throw new RefusalError(
          'conflict',
          `the edit makes ${digest(text)} of ${before.path}, and ${sha256After} was planned`,
        )
      }
      return carryOut({ action: 'apply', by, rolloutId, before, after: Buffer.from(text) }, steps)
    },

    async rollBack(by, steps, rolloutId) {
      const undone = rolloutId === undefined ? store.lastApplied() : store.ofRollout(rolloutId)
      if (!undone) {
        const whose = rolloutId === undefined ? '' : ` of rollout ${rolloutId}`
        throw new RefusalError('conflict', `${nodeId} has no change${whose} to go back from`)
      }
      // It is on the old file already.
      const isBack = undone.action === 'rollback' || undone.state !== 'applied'
      if (rolloutId !== undefined && isBack) return undone
      const before = readSnapshot(configPath)
      requireDigest(before, undone.sha256_after, `since change ${undone.id}`)
      const after = readBackup(undone)
      return carryOut(
        { action: 'rollback', by, rolloutId: rolloutId ?? null, before, after },
        steps,
      )
    },

    async restoreCanonical(by, steps) {
      if (canonicalPath === null) {
        throw new RefusalError('not-found', `${nodeId} has no canonical file`)
      }
      const before = readSnapshot(configPath)
      const { bytes: after, table } = readParsed(canonicalPath)
      const lost = findLosses(tableOf(before) ?? table, table)
      if (lost.length > 0) {
        throw new RefusalError('conflict', `${nodeId} would lose its agent`, lost)
      }
      return carryOut({ action: 'restore', by, rolloutId: null, before, after }, steps)
    },

    latest: (count) => store.latest(count),
    ofRollout: (rolloutId) => store.ofRollout(rolloutId),
    recover,
  }
}
