import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Address } from './gossip/address.ts'
import type { Gossip } from './gossip/gossip.ts'
import { size } from './gossip/ranges.ts'
import type { Store } from './store/store.ts'

/** The metrics of a real agent that have a meaning here, under their names, on any path. */
export async function startMetrics(
  { host, port }: Address,
  sources: { store: Store; gossip: Gossip },
): Promise<AsyncDisposable> {
  const counts = countCommits(sources.store)
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(render(sources, counts))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Counts = ReadonlyMap<string, number>

function countCommits(store: Store): Counts {
  const counts = new Map<string, number>()
  store.onCommit(({ origin, changesets }) => {
    for (const { table } of changesets.flatMap(({ changes }) => changes)) {
      const labels = `table="${table}",source="${origin}"`
      counts.set(labels, (counts.get(labels) ?? 0) + 1)
    }
  })
  return counts
}

function render({ store, gossip }: { store: Store; gossip: Gossip }, counts: Counts): string {
  const metrics: [name: string, type: 'gauge' | 'counter', labels: string, value: number][] = [
    ['corro_build_info', 'gauge', 'version="development agent"', 1],
    ['corro_db_gaps_sum', 'gauge', '', size([...store.gaps().values()].flat())],
    ['corro_db_size', 'gauge', '', sizeOf(store.path)],
    ['corro_db_wal_size', 'gauge', '', sizeOf(`${store.path}-wal`)],
    ['corro_gossip_members', 'gauge', '', gossip.members().length],
    ['corro_gossip_cluster_size', 'gauge', '', gossip.members().length + 1],
    ['corro_agent_changes_in_queue', 'gauge', '', gossip.queueSize()],
    ['corro_broadcast_dropped', 'counter', '', gossip.droppedPushes()],
    ...[...counts].map(([labels, value]): (typeof metrics)[number] => [
      'corro_changes_committed',
      'counter',
      labels,
      value,
    ]),
  ]
  const names = new Set<string>()
  return metrics
    .flatMap(([name, type, labels, value]) => {
      const head = names.has(name) ? [] : [`# TYPE ${name} ${type}`]
      names.add(name)
      return [...head, `${name}${labels === '' ? '' : `{${labels}}`} ${value}`]
    })
    .join('\n')
    .concat('\n')
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
