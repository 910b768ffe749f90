import { OriginQueue, type OriginQueueOptions } from './origin-queue.ts'
import type { Owed } from './receipts.ts'

export interface Deliveries extends AsyncDisposable {
  add(owed: Owed): void
  isAttempting(owed: Owed): boolean
}

/** Brings what is owed to its origins, each by itself. What an earlier run owed comes first. */
export function startDeliveries(options: OriginQueueOptions): Deliveries {
  const { directory } = options
  const queues = new Map<string, OriginQueue>()

  // Only announced origins have a queue: rows can name any number of nodes that do not exist.
  const queueOf = (originNodeId: string): OriginQueue | undefined => {
    const known = queues.get(originNodeId)
    if (known || !directory.get(originNodeId)) return known
    const queue = new OriginQueue(originNodeId, options)
    queues.set(originNodeId, queue)
    return queue
  }

  const listening = directory.onChange(({ nodeId }) => queueOf(nodeId)?.wake())
  for (const { announcement } of directory.nodes()) queueOf(announcement.nodeId)?.wake()

  return {
    add: (owed) => queueOf(owed.originNodeId)?.add(owed),
    isAttempting: (owed) => queues.get(owed.originNodeId)?.isAttempting(owed) ?? false,
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]()
      await Promise.all([...queues.values()].map((queue) => queue[Symbol.asyncDispose]()))
    },
  }
}
