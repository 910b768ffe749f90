import type { Bus } from '@corroport/bus'
import { membersRemoved } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'

/** Who belongs to the cluster, alive or not, as analytics was told. */
export interface Roster extends AsyncDisposable {
  /** Declared or announced, less those that left or were removed. */
  nodeIds(): string[]
}

export function createRoster(deps: { bus: Bus; directory: Directory; views: Views }): Roster {
  const { bus, directory, views } = deps
  const removed = new Set<string>()

  // Its services may go on announcing that it has left.
  const hasLeft = (nodeId: string): boolean =>
    directory.get(nodeId)?.announcement.state === 'left' ||
    (removed.has(nodeId) && directory.presence(nodeId) !== 'present')

  const hearing = bus.hear(membersRemoved, (event) => {
    for (const { nodeId } of event.removed) {
      removed.add(nodeId)
      if (hasLeft(nodeId)) directory.forget(nodeId)
    }
  })

  return {
    nodeIds: () => {
      const declared = views.all().flatMap(({ view }) => view.declared.nodes)
      const announced = directory.nodes().map(({ announcement }) => announcement.nodeId)
      const found = [...declared.flatMap((node) => node.nodeId ?? []), ...announced]
      return [...new Set(found)].filter((nodeId) => !hasLeft(nodeId)).toSorted()
    },
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}
