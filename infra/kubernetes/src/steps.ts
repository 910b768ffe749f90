import {
  MembersReply,
  type Operation,
  OperationReply,
  PlanReply,
  RolloutReply,
} from '@corroport/contracts'
import { countOwed } from './account.ts'
import { podsOf, until, untilReady } from './cluster-state.ts'
import type { Kubectl } from './kubectl.ts'
import type { ServiceClient } from './service-client.ts'

export interface Steps {
  kubectl: Kubectl
  /** Behind the Service. */
  client: ServiceClient
  /** One pod, asked by its address. */
  clientOf: (podIP: string) => ServiceClient
  namespace: string
}

const readyMs = 300_000
// One node after another.
const allReadyMs = 3 * readyMs

/** One more node, which is ready when it has all rows. */
export async function scaleUp({ kubectl }: Steps, pods: number): Promise<void> {
  await kubectl.run(['scale', 'statefulset/node', `--replicas=${pods}`])
  await untilReady(kubectl, 'node', { pods, deadlineMs: readyMs })
}

/** The last node leaves, which delivers what it owes, and is removed when its pod is gone. Its volumes stay. */
export async function scaleDown(steps: Steps, pods: number): Promise<{ leftFrom: Date }> {
  const { kubectl, client, clientOf } = steps
  const nodeId = `node-${pods}`
  const { podIP } = await podNamed(kubectl, nodeId)
  if (podIP === undefined) throw new Error(`${nodeId} has no address`)
  // It acknowledges first what was sent before it came.
  await untilPaid(client, nodeId)
  const leftFrom = new Date()
  const { operation } = await clientOf(podIP).post(
    '/api/cluster/leave',
    { confirm: nodeId },
    OperationReply,
  )
  await untilDone(client, operation.id)
  await kubectl.run(['scale', 'statefulset/node', `--replicas=${pods}`])
  await untilReady(kubectl, 'node', { pods, deadlineMs: readyMs })
  const removed = await client.post(
    '/api/cluster/remove',
    { node_id: nodeId, confirm: nodeId },
    OperationReply,
  )
  await untilDone(client, removed.operation.id)
  return { leftFrom }
}

// What was sent so late may be on its way.
const newMs = 5000

function untilPaid(client: ServiceClient, nodeId: string): Promise<void> {
  return until(`the acknowledgements of ${nodeId}`, readyMs, async () => {
    const owed = await countOwed(client, nodeId, new Date(Date.now() - newMs))
    return owed === 0 ? undefined : `${owed} are owed`
  })
}

async function untilDone(client: ServiceClient, id: string): Promise<void> {
  let operation: Operation | undefined
  await until(`operation ${id}`, 120_000, async () => {
    const reply = await client.get(`/api/cluster/operations/${id}`, OperationReply)
    operation = reply.operation
    return operation.state === 'running' ? 'it runs' : undefined
  })
  if (operation?.state !== 'succeeded') {
    throw new Error(`operation ${id} ${operation?.state}: ${operation?.reason}`)
  }
}

export async function deletePod({ kubectl }: Steps, name: string): Promise<void> {
  await replaced(kubectl, name, () => kubectl.run(['delete', 'pod', name, '--wait=false']))
}

/** As a drain does: by the eviction API, which asks the disruption budget. */
export async function evictPod({ kubectl, namespace }: Steps, name: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
  await replaced(kubectl, name, () =>
    until(`the eviction of ${name}`, 60_000, async () => {
      await kubectl.run(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction))
      return undefined
    }),
  )
}

/** What every node says goes through it, so it is over when all hear each other again. */
export async function evictNats(steps: Steps): Promise<void> {
  const { kubectl, clientOf } = steps
  await evictPod(steps, 'nats-0')
  await until('all nodes to be heard', readyMs, async () => {
    const pods = await podsOf(kubectl, 'node')
    const replies = await Promise.all(
      pods.map(({ podIP = '' }) => clientOf(podIP).get('/api/cluster/members', MembersReply)),
    )
    const isHeard = replies.every(({ sources: { nats } }) => {
      return nats.connected && nats.count === pods.length
    })
    return isHeard ? undefined : 'some are not'
  })
}

async function replaced(
  kubectl: Kubectl,
  name: string,
  replace: () => Promise<unknown>,
): Promise<void> {
  const workload = workloadOf(name)
  const before = await podsOf(kubectl, workload)
  const gone = before.filter((pod) => pod.name === name).map(({ uid }) => uid)
  if (gone.length === 0) throw new Error(`there is no pod ${name}`)
  await replace()
  await untilReady(kubectl, workload, { pods: before.length, not: gone, deadlineMs: readyMs })
}

export async function restartAll({ kubectl }: Steps, workload: string): Promise<void> {
  await kubectl.run(['rollout', 'restart', workload])
  await kubectl.run(['rollout', 'status', workload, `--timeout=${allReadyMs / 1000}s`])
}

/** By the API; no container ends for it. */
export async function restartAgent(steps: Steps, nodeId: string): Promise<void> {
  const { kubectl, client } = steps
  const before = await podNamed(kubectl, nodeId)
  const { operation } = await client.post(
    '/api/node/restart',
    { node_id: nodeId, reason: 'proof' },
    OperationReply,
  )
  await untilDone(client, operation.id)
  const after = await podNamed(kubectl, nodeId)
  const ended = [...after.restarts].filter(([name, count]) => count !== before.restarts.get(name))
  if (after.uid !== before.uid || ended.length > 0) {
    throw new Error(`containers of ${nodeId} ended: ${ended.map(([name]) => name).join(', ')}`)
  }
}

// Process 1 is spared SIGKILL from within its container; a second signal ends a service at once.
const endService = 'kill -TERM 1; kill -INT 1'
const kills: Readonly<Record<string, string>> = {
  agent: 'kill -KILL "$(head -n 1 /run/agent/agent.pid)"; kill -TERM 1',
  subscriber: endService,
  'ack-sender': endService,
  'config-manager': endService,
  gateway: endService,
}

/** One after another, each when the one before it is ready again. */
export async function killContainers({ kubectl }: Steps, podName: string): Promise<void> {
  for (const [container, script] of Object.entries(kills)) {
    const before = (await podNamed(kubectl, podName)).restarts.get(container)
    if (before === undefined) throw new Error(`${podName} has no container ${container}`)
    const exec = ['exec', podName, '--container', container, '--', 'bash', '-c', script]
    // It often ends with the container; whether that ended is looked at below.
    let complaint = ''
    await kubectl.run(exec).catch((error: unknown) => {
      complaint = String(error)
    })
    await until(`the end of ${container} of ${podName}`, readyMs, async () => {
      const { restarts, isReady } = await podNamed(kubectl, podName)
      if (restarts.get(container) === before) return `it goes on ${complaint}`
      return isReady ? undefined : 'it is not ready again'
    })
  }
}

async function podNamed(kubectl: Kubectl, name: string) {
  const pods = await podsOf(kubectl, workloadOf(name))
  const pod = pods.find((each) => each.name === name)
  if (!pod) throw new Error(`there is no pod ${name}`)
  return pod
}

function workloadOf(podName: string): string {
  return podName.split('-')[0] ?? podName
}

/** Other seeds in the files of all agents, which restarts one after another. */
export async function changeBootstrap(steps: Steps, nodes: number): Promise<void> {
  const { kubectl, client, namespace } = steps
  const bootstrap = Array.from(
    { length: nodes },
    (_, index) => `node-${index}.node.${namespace}.svc.cluster.local:8787`,
  )
  const { plan } = await client.post('/api/config/plan', { bootstrap, nodes: 'all' }, PlanReply)
  if (plan.problems.length > 0) {
    throw new Error(`the change cannot be applied: ${plan.problems.join('; ')}`)
  }
  const { rollout } = await client.post(
    '/api/config/apply',
    { plan_id: plan.id, confirm: plan.id },
    RolloutReply,
  )
  let now = rollout
  await until('the change of the bootstrap lists', allReadyMs, async () => {
    const reply = await client.get(`/api/config/rollouts/${rollout.id}`, RolloutReply)
    now = reply.rollout
    return ['succeeded', 'stopped', 'aborted'].includes(now.state) ? undefined : now.state
  })
  if (now.state !== 'succeeded') throw new Error(`the change was ${now.state}: ${now.reason}`)
  await untilReady(kubectl, 'node', { pods: nodes, deadlineMs: readyMs })
}
