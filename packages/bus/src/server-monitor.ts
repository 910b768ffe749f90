import { createParser } from '@corroport/contracts'
import { Type } from 'typebox'

/** What one server tells of the cluster that it is in. */
export interface ClusterView {
  /** The server that told it. */
  server: string
  /** Null where the server runs alone. */
  cluster: string | null
  /** To the other servers: to all that belong to the cluster, and to those that are there. */
  routes: { expected: number; up: number }
  /** The group that places streams. `leader`: null while none is in sight. */
  meta: { leader: string | null; size: number; hasQuorum: boolean }
}

const parseRoutes = createParser(
  'what nats-server tells of its routes',
  Type.Object({
    server_name: Type.String(),
    routes: Type.Array(Type.Object({ remote_name: Type.String() })),
  }),
)
const parseJetStream = createParser(
  'what nats-server tells of JetStream',
  Type.Object({
    meta_cluster: Type.Optional(
      Type.Object({
        name: Type.String(),
        leader: Type.Optional(Type.String()),
        cluster_size: Type.Integer(),
      }),
    ),
  }),
)

/** Asks the monitoring endpoint at `origin`: a client connection is not told of other servers. */
export async function lookAtMonitor(origin: string, signal: AbortSignal): Promise<ClusterView> {
  const [routez, jsz] = await Promise.all([
    ask(origin, 'routez', signal),
    ask(origin, 'jsz', signal),
  ])
  const { server_name: server, routes } = parseRoutes(routez)
  const { meta_cluster: meta } = parseJetStream(jsz)
  // Two servers have several routes between them.
  const others = new Set(routes.map(({ remote_name }) => remote_name))
  // Who is away is still counted here.
  const size = meta?.cluster_size ?? 1
  // A leader that is gone goes on being named for seconds, until there is another.
  const leader = meta?.leader
  const isInSight = leader !== undefined && (leader === server || others.has(leader))
  return {
    server,
    cluster: meta?.name ?? null,
    routes: { expected: size - 1, up: others.size },
    meta: { leader: isInSight ? leader : null, size, hasQuorum: 2 * (others.size + 1) > size },
  }
}

async function ask(origin: string, path: string, signal: AbortSignal): Promise<unknown> {
  const url = new URL(path, origin)
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw new Error(`nothing answers at ${url.host}`, { cause })
  })
  if (!response.ok) throw new Error(`${url.host} answers ${path} with ${response.status}`)
  return await response.json()
}
