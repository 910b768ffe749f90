import type { Bus } from '@corroport/bus'
import { type NodeViewed, nodeViewed } from '@corroport/contracts'

/** What each node last said that it sees of the cluster, as far as NATS brought it here. */
export interface Views extends AsyncDisposable {
  get(nodeId: string): HeardView | undefined
  all(): HeardView[]
}

export interface HeardView {
  readonly view: NodeViewed
  /** Milliseconds since it was heard. */
  ageMs(): number
}

export function openViews({ bus }: { bus: Bus }): Views {
  const heard = new Map<string, HeardView>()

  const hearing = bus.hear(nodeViewed, (view) => {
    const heardAt = performance.now()
    heard.set(view.nodeId, { view, ageMs: () => performance.now() - heardAt })
  })

  return {
    get: (nodeId) => heard.get(nodeId),
    all: () => [...heard.values()],
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}
