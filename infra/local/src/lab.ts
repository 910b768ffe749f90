import { requireRegions } from '@corroport/contracts'
import { type Admin, type LinkSettings, openAdmin } from '@corroport/corrosion-client'
import { isRunning } from '@corroport/node-process/process-ref.ts'
import { delaysFrom } from './lab-start.ts'
import { createLayout } from './layout.ts'
import { gossipAddress } from './ports.ts'
import { readRecord } from './register.ts'

/** What one agent does with what it sends to another, and how far that one is. */
export interface LabLink extends LinkSettings {
  /** Node id. */
  to: string
  /** The latest round trip; null before the first. */
  rttMs: number | null
}

export interface LabNode {
  nodeId: string
  clockOffsetMs: number
  links: LabLink[]
  /** Why nothing is known of it; null when its agent answers. */
  problem: string | null
}

/** A direction; nodes are numbers. */
export type Direction = readonly [from: number, to: number]

/** The network and the clocks of the cluster that runs here. Changes last until an agent's next start. */
export interface Lab {
  readonly nodes: readonly number[]
  show(): Promise<LabNode[]>
  /** Nothing is changed unless all agents that have to change answer. */
  bend(directions: readonly Direction[], settings: Partial<LinkSettings>): Promise<void>
  /** Gives all links the delays of the distances; nodes have the regions in turn. */
  place(regions: readonly string[]): Promise<void>
  setClock(node: number, offsetMs: number): Promise<void>
  /** As it was at the agents' start. */
  reset(): Promise<void>
}

/** Throws when no agents run here, and when they are real ones. */
export function openLab(home: string | undefined): Lab {
  const layout = createLayout(home)
  const record = readRecord(layout, 'agents')
  if (!record || !isRunning(record.supervisor)) {
    throw new Error(
      'no agents run here: start them with npm start, or corroport local agents start',
    )
  }
  const { nodes: count, portOffset, agentKind } = record.shape
  if (agentKind === 'real') {
    throw new Error(
      'the agents that run here are real ones, whose network and clock are those of the machine: start with --agents development',
    )
  }
  const nodes = Array.from({ length: count }, (_, index) => index + 1)
  const ask = async <T>(node: number, question: (admin: Admin) => Promise<T>): Promise<T> => {
    try {
      return await question(openAdmin(layout.adminSocket(node)))
    } catch (cause) {
      throw new Error(`agent${node}: ${Error.isError(cause) ? cause.message : ''}`, { cause })
    }
  }
  const addressOf = (node: number) => gossipAddress(node, portOffset)

  const showNode = async (node: number, admin: Admin): Promise<LabNode> => {
    const [state, members] = await Promise.all([admin.lab.show(), admin.members()])
    const links = nodes
      .filter((to) => to !== node)
      .map((to) => {
        const member = members.find(({ address }) => address === addressOf(to))
        return {
          to: `node${to}`,
          ...state.everyLink,
          ...state.links.get(addressOf(to)),
          rttMs: member?.rttsMs[0] ?? null,
        }
      })
    const { clockOffsetMs } = state
    return { nodeId: `node${node}`, clockOffsetMs, links, problem: null }
  }
  const bendAll = async (
    changes: readonly { direction: Direction; settings: Partial<LinkSettings> }[],
  ): Promise<void> => {
    const senders = [...new Set(changes.map(({ direction: [from] }) => from))]
    await Promise.all(senders.map((node) => ask(node, ({ lab }) => lab.show())))
    await Promise.all(
      changes.map(({ direction: [from, to], settings }) =>
        ask(from, ({ lab }) => lab.setLink(addressOf(to), settings)),
      ),
    )
  }

  return {
    nodes,
    show: () =>
      Promise.all(
        nodes.map((node) =>
          ask(node, (admin) => showNode(node, admin)).catch((error: Error) => ({
            nodeId: `node${node}`,
            clockOffsetMs: 0,
            links: [],
            problem: error.message,
          })),
        ),
      ),
    bend: (directions, settings) =>
      bendAll(directions.map((direction) => ({ direction, settings }))),
    place: (regions) => {
      const bends = { nodes: count, regions: requireRegions(regions) }
      return bendAll(
        nodes.flatMap((node) =>
          delaysFrom(node, bends).map(({ to, delayMs }) => ({
            direction: [node, to] as const,
            settings: { delayMs },
          })),
        ),
      )
    },
    setClock: (node, offsetMs) => ask(node, ({ lab }) => lab.setClock(offsetMs)),
    reset: async () => {
      await Promise.all(nodes.map((node) => ask(node, ({ lab }) => lab.reset())))
    },
  }
}
