import { setTimeout as wait } from 'node:timers/promises'
import { MembersReply } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Kubectl } from './kubectl.ts'
import type { ServiceClient } from './service-client.ts'

const everyMs = 500

const Containers = Type.Optional(
  Type.Array(Type.Object({ name: Type.String(), restartCount: Type.Integer() })),
)
const Pod = Type.Object({
  metadata: Type.Object({ name: Type.String(), uid: Type.String() }),
  status: Type.Object({
    podIP: Type.Optional(Type.String()),
    containerStatuses: Containers,
    initContainerStatuses: Containers,
    conditions: Type.Optional(
      Type.Array(Type.Object({ type: Type.String(), status: Type.String() })),
    ),
  }),
})
const Pods = Type.Object({ items: Type.Array(Pod) })
const Claims = Type.Object({
  items: Type.Array(
    Type.Object({
      metadata: Type.Object({ name: Type.String(), uid: Type.String() }),
      spec: Type.Object({ volumeName: Type.Optional(Type.String()) }),
    }),
  ),
})

/** Looks until it is so. Throws after the deadline, with what was still wrong. */
export async function until(
  what: string,
  deadlineMs: number,
  look: () => Promise<string | undefined>,
): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const wrong = await look().catch((error: unknown) => String(error))
    if (wrong === undefined) return
    if (performance.now() - startedAt > deadlineMs) {
      throw new Error(`${what} took more than ${deadlineMs / 1000} s: ${wrong}`)
    }
    await wait(everyMs)
  }
}

export async function podsOf(kubectl: Kubectl, name: string) {
  const { items } = await kubectl.read(
    ['get', 'pods', '-l', `app.kubernetes.io/name=${name}`],
    Pods,
  )
  return items.map(({ metadata, status }) => {
    const { podIP, conditions = [], initContainerStatuses = [], containerStatuses = [] } = status
    return {
      ...metadata,
      podIP,
      isReady: conditions.some((each) => each.type === 'Ready' && each.status === 'True'),
      /** How often each of its containers was started again. */
      restarts: new Map(
        [...initContainerStatuses, ...containerStatuses].map(
          (each) => [each.name, each.restartCount] as const,
        ),
      ),
    }
  })
}

/** So many pods, all ready, and none of them one of these. */
export function untilReady(
  kubectl: Kubectl,
  name: string,
  wanted: { pods: number; not?: readonly string[]; deadlineMs: number },
): Promise<void> {
  const { pods, not = [], deadlineMs } = wanted
  return until(`the pods of ${name}`, deadlineMs, async () => {
    const found = await podsOf(kubectl, name)
    if (found.length !== pods) return `there are ${found.length}, not ${pods}`
    const waiting = found.filter(({ uid, isReady }) => !isReady || not.includes(uid))
    return waiting.length === 0 ? undefined : `${waiting.map((pod) => pod.name).join()} not ready`
  })
}

/** Which database belongs to which node, and which volume to which claim. */
export async function whoHasWhat(
  kubectl: Kubectl,
  client: ServiceClient,
): Promise<Map<string, string>> {
  const { members } = await client.get('/api/cluster/members', MembersReply)
  const { items } = await kubectl.read(['get', 'persistentvolumeclaims'], Claims)
  return new Map([
    ...members.map(({ node_id, actor_id }) => [`actor of ${node_id}`, String(actor_id)] as const),
    ...items.map(
      ({ metadata, spec }) =>
        [`volume of ${metadata.name}`, `${metadata.uid} ${spec.volumeName}`] as const,
    ),
  ])
}
