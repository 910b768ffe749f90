import type { AgentProcess, AgentSettings } from './agent-process.ts'
import type { AgentKind } from './known-differences.ts'

/** The agents of a group. All its cases share them, in the order of the list. */
export interface World {
  /** By actor id, so that a tie between nodes is decided alike in every run. */
  nodes: readonly AgentProcess[]
  /** The first of them. */
  node: AgentProcess
}

export interface Case {
  /** Unique in the whole list: known differences refer to it. */
  name: string
  /** What Corrosion v1.0.0 gives, as lines. */
  expected: readonly string[]
  run(world: World): Promise<readonly string[]>
}

export interface Group {
  name: string
  /** Those that have what the group asks for; all, where nothing is said. */
  agents?: readonly AgentKind[]
  nodeCount: 1 | 2 | 3
  settings?: Pick<AgentSettings, 'bearerToken' | 'endpointName'>
  cases: readonly Case[]
}
