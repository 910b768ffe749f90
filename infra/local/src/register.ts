import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  endProcess,
  findProcess,
  isRunning,
  sendSignal,
} from '@corroport/node-process/process-ref.ts'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Layout } from './layout.ts'

/** What can be started and stopped apart: NATS, Postgres and the agents; the services. */
export const layers = ['agents', 'services'] as const
export type Layer = (typeof layers)[number]

const Running = Type.Object({
  name: Type.String(),
  /** Stopped from the highest to the lowest: services, agents, NATS and Postgres. */
  stopRank: Type.Integer(),
  /** SIGTERM without it. */
  stopSignal: Type.Optional(Type.Literal('SIGINT')),
  stopDeadlineMs: Type.Integer(),
  pid: Type.Integer(),
  startedAt: Type.String(),
})
export type RunningPart = Static<typeof Running>

const ClusterShape = Type.Object({
  nodes: Type.Integer(),
  portOffset: Type.Integer(),
  natsUrl: Type.String(),
  /** False where others run it. */
  hasNats: Type.Boolean(),
  /** False where others run it, or nobody does. */
  hasPostgres: Type.Boolean(),
  hasAnalytics: Type.Boolean(),
  hasEdge: Type.Boolean(),
  hasBuilds: Type.Boolean(),
  isProcessPerService: Type.Boolean(),
  /** Absent where others run the agents. */
  agentKind: Type.Optional(Type.Union([Type.Literal('development'), Type.Literal('real')])),
  /** Of the nodes in turn; absent where delays do not follow from them. */
  regions: Type.Optional(Type.Array(Type.String())),
  /** By node id; as at the start, a lab may have changed them since. */
  clockOffsetsMs: Type.Optional(Type.Record(Type.String(), Type.Number())),
})
/** What `status` and the other layer have to know of a cluster. */
export type ClusterShape = Static<typeof ClusterShape>

const LayerRecord = Type.Object({
  supervisor: Type.Object({ pid: Type.Integer(), startedAt: Type.String() }),
  shape: ClusterShape,
  parts: Type.Array(Running),
})
export type LayerRecord = Static<typeof LayerRecord>

/** The record of a layer; undefined when it was stopped in order. */
export function readRecord(layout: Layout, layer: Layer): LayerRecord | undefined {
  const path = recordPath(layout, layer)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return Value.Parse(LayerRecord, JSON.parse(text))
  } catch (cause) {
    throw new Error(`cannot read ${path}: end what it names by hand, then remove it`, { cause })
  }
}

/** What this supervisor runs, written down before anything can be forgotten. */
export interface Register extends Disposable {
  add(part: RunningPart): void
  remove(pid: number): void
}

/**
 * Makes this process the one supervisor of a layer, after it ended what a killed one left behind.
 * The lock is the kernel's, so it dies with its holder; the record outlives both.
 */
export async function openRegister(
  layout: Layout,
  layer: Layer,
  shape: ClusterShape,
  say: (line: string) => void,
): Promise<Register> {
  mkdirSync(layout.run, { recursive: true, mode: 0o700 })
  const lock = lockLayer(layout, layer)
  try {
    await endLeftovers(readRecord(layout, layer)?.parts ?? [], say)
  } catch (error) {
    lock.close()
    throw error
  }
  const supervisor = findProcess(process.pid)
  if (!supervisor) throw new Error('unreachable: this process is not running')
  let parts: RunningPart[] = []
  const path = recordPath(layout, layer)
  const write = (): void => {
    const record: LayerRecord = { supervisor, shape, parts }
    writeFileSync(`${path}.draft`, JSON.stringify(record, undefined, 2))
    renameSync(`${path}.draft`, path)
  }
  write()
  return {
    add: (part) => {
      parts = [...parts, part]
      write()
    },
    remove: (pid) => {
      parts = parts.filter((part) => part.pid !== pid)
      write()
    },
    [Symbol.dispose]: () => {
      rmSync(path, { force: true })
      lock.close()
    },
  }
}

function lockLayer(layout: Layout, layer: Layer): DatabaseSync {
  // A holder that has just been killed may need a moment to let go.
  const lock = new DatabaseSync(join(layout.run, `${layer}.lock`), { timeout: 300 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    const holder = readRecord(layout, layer)?.supervisor
    const who = holder && isRunning(holder) ? ` under pid ${holder.pid}` : ''
    throw new Error(
      `the ${layer} run already${who}: stop them there with Ctrl-C, or with \`corroport local stop\``,
      { cause },
    )
  }
}

/** Ends recorded processes that still run, in the order of a stop. */
async function endLeftovers(
  parts: readonly RunningPart[],
  say: (line: string) => void,
): Promise<void> {
  const left = parts.filter(isRunning)
  if (left.length === 0) return
  say(`ending what an earlier run left behind: ${left.map(({ name }) => name).join(', ')}`)
  const ranks = [...new Set(left.map(({ stopRank }) => stopRank))].toSorted((a, b) => b - a)
  for (const rank of ranks) {
    await Promise.all(
      left
        .filter(({ stopRank }) => stopRank === rank)
        .map((part) => {
          // The SIGTERM that follows asks for no more than this did.
          if (part.stopSignal) sendSignal(-part.pid, part.stopSignal)
          return endProcess(part, part.stopDeadlineMs, -part.pid)
        }),
    )
  }
}

function recordPath(layout: Layout, layer: Layer): string {
  return join(layout.run, `${layer}.json`)
}
