import { messageOf, type StateFile } from '@corroport/bus'
import {
  createParser,
  DeclaredNode,
  NodeId,
  type NodeViewed,
  nowMicroseconds,
  Timestamp,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { repeat } from '../repeat.ts'
import { type Answer, createDnsQuestion } from './dns.ts'
import type { DiscoverySettings } from './settings.ts'

type Declared = NodeViewed['declared']

/** The nodes that are declared, by the last good answer: an error or an empty one takes away nobody. */
export interface Discovery extends AsyncDisposable {
  readonly declared: Declared
}

export interface DiscoveryDeps {
  settings: DiscoverySettings
  agent: CorrosionClient
  state: StateFile
  log: Logger
}

export const discoveryMigration = `
  CREATE TABLE declared (
    question TEXT PRIMARY KEY,
    nodes TEXT NOT NULL,
    taken_at TEXT NOT NULL
  ) STRICT;
`

const registryEveryMs = 5000

export function startDiscovery(deps: DiscoveryDeps): Discovery {
  const { settings, agent, log } = deps
  switch (settings.type) {
    case 'static': {
      const nodes = [...settings.nodes]
      const declared: Declared = { source: 'static', nodes, takenAt: now(), error: null }
      return { declared, [Symbol.asyncDispose]: () => Promise.resolve() }
    }
    case 'dns':
      return keepAsking(deps, settings.refreshMs, createDnsQuestion(settings, log))
    case 'registry':
      return keepAsking(deps, registryEveryMs, (signal) => askRegistry(agent, signal))
    default:
      throw new Error(`unreachable: discovery ${String(settings satisfies never)}`)
  }
}

function keepAsking(
  { settings, state, log }: DiscoveryDeps,
  everyMs: number,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Discovery {
  const source = settings.type
  const question = JSON.stringify(settings)
  const remembered = recall(state, question)
  let declared: Declared = { source, error: 'not asked yet', ...remembered }
  let lastError: string | null = null

  const asking = repeat(everyMs, log, async (signal) => {
    const answer = await ask(signal).catch(
      (error: unknown): Answer => ({ nodes: [], error: messageOf(error) }),
    )
    if (signal.aborted) return
    const isEmpty = answer.nodes.length === 0
    const error = answer.error ?? (isEmpty ? 'the answer names nobody' : null)
    if (error !== lastError) {
      if (error === null) log.info({ source }, 'declared nodes found')
      else log.warn({ source, reason: error }, 'declared nodes not found, the last ones are kept')
    }
    lastError = error
    if (error === null || (declared.takenAt === null && !isEmpty)) {
      declared = { source, nodes: answer.nodes, takenAt: now(), error }
      if (error === null) remember(state, question, declared)
    } else {
      declared = { ...declared, error }
    }
  })

  return {
    get declared() {
      return declared
    },
    [Symbol.asyncDispose]: () => asking[Symbol.asyncDispose](),
  }
}

const Remembered = Type.Object({ nodes: Type.Array(DeclaredNode), takenAt: Timestamp })
const parseRemembered = createParser('declared nodes', Remembered)
const parseText = createParser('text', Type.String())

/** So that a restart while DNS is away does not empty the list. Its age is that of its last change. */
function recall(state: StateFile, question: string): Pick<Declared, 'nodes' | 'takenAt'> {
  const row = state.db
    .prepare('SELECT nodes, taken_at FROM declared WHERE question = ?')
    .get(question)
  if (!row) return { nodes: [], takenAt: null }
  const nodes: unknown = JSON.parse(parseText(row.nodes))
  return parseRemembered({ nodes, takenAt: row.taken_at })
}

function remember(state: StateFile, question: string, { nodes, takenAt }: Declared): void {
  const text = JSON.stringify(nodes)
  const kept = state.db.prepare('SELECT nodes FROM declared WHERE question = ?').get(question)
  if (kept?.nodes === text) return
  state.transaction(() => {
    state.db.prepare('DELETE FROM declared').run()
    state.db.prepare('INSERT INTO declared VALUES (?, ?, ?)').run(question, text, takenAt)
  })
}

const RegistryRow = Type.Tuple([NodeId, Type.String()])

async function askRegistry(agent: CorrosionClient, signal: AbortSignal): Promise<Answer> {
  const { rows } = await agent.query(
    "SELECT node_id, region FROM node_configs WHERE state <> 'left' ORDER BY node_id",
    { signal, timeoutMs: 2000 },
  )
  // Rows that anyone with access to the database may have written.
  const nodes = rows.flatMap((row): DeclaredNode[] => {
    if (!Value.Check(RegistryRow, row)) return []
    const [nodeId, region] = row
    return [{ nodeId, address: null, region: region === 'unknown' ? null : region }]
  })
  return { nodes }
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}
