import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  agentRestartRequested,
  type ConfigFile,
  configPlanned,
  configQueried,
  type Operation,
  operationQueried,
  type Plan,
  type Rollout,
  rolloutsQueried,
} from '@corroport/contracts'
import { timestamp } from './answers.ts'

// What config-managers answer by the examples of the contracts, as a gateway passes it on.

const folder = join(import.meta.dirname, '../../contracts/fixtures')
const answered = { node_id: 'node1', timestamp }

function replyOf(name: string): unknown {
  const text = readFileSync(join(folder, `command-config-manager-${name}.json`), 'utf8')
  const { reply } = JSON.parse(text) as { reply: unknown }
  return reply
}

export function planReply(change: Partial<Plan> = {}) {
  const { plan } = configPlanned.parseReply(replyOf('plan'))
  return { plan: { ...plan, ...change }, ...answered }
}

export function rolloutReply(change: Partial<Rollout> = {}) {
  const [rollout] = rolloutsQueried.parseReply(replyOf('rollouts')).rollouts
  if (rollout === undefined) throw new Error('the example has no rollout')
  return { rollout: { ...rollout, ...change }, ...answered }
}

/** A restart that has just begun, and how it ended. */
export function restartReplies(change: Partial<Operation> = {}) {
  const { operation: begun } = agentRestartRequested.parseReply(replyOf('restart'))
  const [ended] = operationQueried.parseReply(replyOf('operation')).operations
  if (ended === undefined) throw new Error('the example has no operation')
  return {
    begun: { operation: begun, ...answered },
    ended: { operation: { ...ended, ...change }, ...answered },
  }
}

export function configReply(change: Partial<ConfigFile> = {}) {
  const { file, changes } = configQueried.parseReply(replyOf('config'))
  return { file: { ...file, ...change }, changes, ...answered }
}
