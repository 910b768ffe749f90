import type { Bus } from '@corroport/bus'
import { membersRemoved, type NodeState } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'

/** Who belongs to the cluster, alive or not, as this gateway was told. */
export interface Roster extends AsyncDisposable {
  /** Declared or announced, less the removed; this node is among them. */
  nodeIds(): string[]
  /** Who should acknowledge a message of this node; those who are away now are among them. */
  expectedReceivers(): { nodeId: string; wasPresent: boolean }[]
  /** It was removed and has not come back. */
  isRemoved(nodeId: string): boolean
  /** Of the databases of all nodes that were ever removed. */
  readonly removedActorIds: ReadonlySet<string>
  /** Where this node is in its life; undefined while it is not heard. */
  readonly ownState: NodeState | undefined
}

export interface RosterDeps {
  config: { nodeId: string; declaredNodes: readonly string[] }
  bus: Bus
  directory: Directory
  views: Pick<Views, 'get'>
}

export function createRoster({ config, bus, directory, views }: RosterDeps): Roster {
  const { nodeId, declaredNodes } = config
  const removed = new Set<string>()
  const removedActorIds = new Set<string>()

  // Its services may go on announcing that it has left.
  const isBack = (member: string): boolean =>
    member === nodeId ||
    (directory.presence(member) === 'present' &&
      directory.get(member)?.announcement.state !== 'left')
  const isRemoved = (member: string): boolean => removed.has(member) && !isBack(member)

  const hearing = bus.hear(membersRemoved, (event) => {
    for (const { nodeId: member, actorIds } of event.removed) {
      removed.add(member)
      for (const actorId of actorIds) removedActorIds.add(actorId)
      if (!isBack(member)) directory.forget(member)
    }
  })

  const nodeIds = (): string[] => {
    const discovered = views.get(nodeId)?.view.declared.nodes ?? []
    const announced = directory.nodes().map(({ announcement }) => announcement.nodeId)
    const found = discovered.flatMap((node) => node.nodeId ?? [])
    return [...new Set([nodeId, ...declaredNodes, ...found, ...announced])]
      .filter((id) => !isRemoved(id))
      .toSorted()
  }

  return {
    nodeIds,
    expectedReceivers: () =>
      nodeIds()
        .filter((id) => id !== nodeId)
        .map((id) => ({ nodeId: id, wasPresent: directory.presence(id) === 'present' })),
    isRemoved,
    removedActorIds,
    get ownState() {
      return directory.get(nodeId)?.announcement.state
    },
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}
