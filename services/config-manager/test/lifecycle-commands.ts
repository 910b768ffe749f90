import { CommandError, type RefusalError } from '@corroport/bus'
import { joinRequested, leaveRequested, type Operation } from '@corroport/contracts'
import { type NatsServer, until } from '@corroport/testing'
import { type LifecycleNode, startLifecycleNode } from './lifecycle-node.ts'

export const by = 'operator'

/** Two active nodes that know of each other. */
export async function startPair(nats: NatsServer, program?: string) {
  await using stack = new AsyncDisposableStack()
  const declared = ['node1', 'node2']
  const settings = { nats, declared, ...(program === undefined ? {} : { program }) }
  const node1 = stack.use(await startLifecycleNode({ ...settings, nodeId: 'node1' }))
  const node2 = stack.use(
    await startLifecycleNode({
      ...settings,
      nodeId: 'node2',
      bootstrap: [node1.gossip],
    }),
  )
  await Promise.all([node1.becomes('active'), node2.becomes('active')])
  await Promise.all([sees(node1, 'node2', 'active'), sees(node2, 'node1', 'active')])
  const owned = stack.move()
  return { node1, node2, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export function sees(node: LifecycleNode, other: string, state: string) {
  return until(() => node.services.directory.get(other)?.announcement.state === state)
}

export async function join(
  node: LifecycleNode,
  seeds: string[],
  timeoutMs = 30_000,
): Promise<Operation> {
  const { nodeId } = node
  const { operation } = await node.services.bus.request(
    joinRequested,
    { nodeId },
    { by, seeds, timeoutMs },
  )
  return await node.ended(operation)
}

export async function leave(node: LifecycleNode, timeoutMs = 30_000): Promise<Operation> {
  const { nodeId } = node
  const { operation } = await node.services.bus.request(
    leaveRequested,
    { nodeId },
    { by, timeoutMs },
  )
  return await node.ended(operation)
}

export async function refused(asked: Promise<unknown>): Promise<RefusalError> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof CommandError && error.refusal) return error.refusal
  throw new Error('it was not refused', { cause: error })
}

export function stepsOf(operation: Operation | undefined): string[] | undefined {
  return operation?.steps.map(({ name, state }) => `${name} ${state}`)
}

export function waitsFor(node: LifecycleNode): string | undefined {
  return node.services.health.ready().checks.find(({ name }) => name === 'node state')?.detail
}

export async function statesOn(node: LifecycleNode): Promise<string> {
  const { rows } = await node.client.query(
    'SELECT node_id, state FROM node_configs ORDER BY node_id',
  )
  return rows.map(([nodeId, state]) => `${String(nodeId)} ${String(state)}`).join(', ')
}

export async function rowActorOn(node: LifecycleNode, nodeId: string) {
  const { rows } = await node.client.query([
    'SELECT corrosion_actor_id FROM node_configs WHERE node_id = ?',
    [nodeId],
  ])
  return rows[0]?.[0]
}
