import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort } from '@corroport/testing'
import { type AgentProcess, startAgent } from './agent-process.ts'
import type { Group } from './conformance-case.ts'
import type { AgentKind } from './known-differences.ts'
import { createMask } from './transcript.ts'
import { judge, type Verdict } from './verdict.ts'

export interface Outcome {
  group: string
  name: string
  verdict: Verdict
  durationMs: number
}

/** What calls itself so; only these are known to the list of differences. */
export async function kindOf(binary: string): Promise<AgentKind> {
  const { stdout } = await promisify(execFile)(binary, ['--version'])
  if (stdout.includes('development agent')) return 'development'
  if (stdout.includes('klukai 0.1.4')) return 'klukai-0.1.4'
  // The release v1.0.0 reports itself as 0.2.0-beta.0.
  if (stdout.includes('0.2.0-beta.0')) return 'v1.0.0'
  throw new Error(`${binary} is no agent that is known here: ${stdout.trim()}`)
}

/** Most of a group's time is waiting, so some run beside each other. */
const groupsAtOnce = 3

export async function runGroups(
  binary: string,
  kind: AgentKind,
  groups: readonly Group[],
): Promise<Outcome[]> {
  const outcomes = new Map<Group, Outcome[]>()
  const left = groups.filter(({ agents }) => agents === undefined || agents.includes(kind))
  const work = async () => {
    for (let group = left.shift(); group !== undefined; group = left.shift()) {
      outcomes.set(group, await runGroup(binary, kind, group).catch(notStarted(group)))
    }
  }
  await Promise.all(Array.from({ length: groupsAtOnce }, work))
  return groups.flatMap((group) => outcomes.get(group) ?? [])
}

/** Runs the cases of a group one after the other on fresh agents. */
async function runGroup(binary: string, kind: AgentKind, group: Group): Promise<Outcome[]> {
  await using started = await startNodes(binary, kind, group)
  const { nodes } = started
  const [node] = nodes
  if (node === undefined) throw new Error('unreachable: a group without nodes')
  // Ids are numbered alike on both sides, each in the order in which they appear.
  const maskWanted = createMask()
  const maskGot = createMask()
  const outcomes: Outcome[] = []
  for (const current of group.cases) {
    const startedAt = performance.now()
    const lines = await current.run({ nodes, node }).catch((error: unknown) => [failureOf(error)])
    const expected = current.expected.map(maskWanted)
    outcomes.push({
      group: group.name,
      name: current.name,
      verdict: judge(kind, { ...current, expected }, lines.map(maskGot)),
      durationMs: Math.round(performance.now() - startedAt),
    })
  }
  return outcomes
}

function notStarted({ name }: Group) {
  return (error: unknown): Outcome[] => [
    {
      group: name,
      name: `${name}: the agents start`,
      verdict: { kind: 'unknown', wanted: [], got: [failureOf(error)], reasons: [] },
      durationMs: 0,
    },
  ]
}

function failureOf(error: unknown): string {
  // Under jest an error of Node is no instance of the test's own Error.
  if (!Error.isError(error)) return `failed: ${String(error)}`
  const { message, cause } = error
  return `failed: ${message}${Error.isError(cause) ? ` (${cause.message})` : ''}`
}

async function startNodes(binary: string, kind: AgentKind, group: Group) {
  await using starting = new AsyncDisposableStack()
  const ports = await Promise.all(Array.from({ length: group.nodeCount }, freePort))
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  const agents = await Promise.all(
    addresses.map(async (gossipAddress) => {
      const bootstrap = addresses.filter((address) => address !== gossipAddress)
      return starting.use(
        await startAgent({ binary, kind, gossipAddress, bootstrap, ...group.settings }),
      )
    }),
  )
  const withIds = await Promise.all(
    agents.map(async (agent) => ({ agent, id: await siteId(agent) })),
  )
  const nodes = withIds.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ agent }) => agent)
  const stack = starting.move()
  return { nodes, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function siteId(agent: AgentProcess): Promise<string> {
  return (await agent.rows('SELECT hex(crsql_site_id())'))[0] ?? ''
}
