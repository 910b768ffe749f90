import type { Bus } from '@corroport/bus'
import {
  agentRestartRequested,
  JoinRequest,
  joinRequested,
  LeaveRequest,
  leaveRequested,
  NodeId,
  type Operation,
  OperationId,
  OperationReply,
  OperationsReply,
  operationQueried,
  RemoveRequest,
  RestartRequest,
  removeRequested,
  WipeRequest,
  wipeRequested,
} from '@corroport/contracts'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import type { Config } from '../config.ts'
import { notAnsweredBy, ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { accepts, answeredBy, answers, bodyIsOptional } from './responses.ts'

export interface OperationsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const defaultTimeoutMs = 60_000
const idLength = 26

const NodeQuery = Type.Object({ node: Type.Optional(NodeId) }, { additionalProperties: false })

/** What moves a node in its life, and how long work of any node goes on. */
export function registerOperations(app: App, { config, bus }: OperationsDeps): void {
  const { nodeId } = config
  const silence = (id: string) => notAnsweredBy(`config-manager of ${id}`)
  const begin = async (
    reply: FastifyReply,
    asked: Promise<{ operation: Operation }>,
    id = nodeId,
  ) => {
    const { operation } = await asked.catch(silence(id))
    reply.code(202)
    return { operation, ...answeredBy(nodeId) }
  }
  const beginning = accepts(OperationReply)

  app.post(
    '/api/cluster/join',
    { config: { access: 'admin' }, schema: { body: JoinRequest, response: beginning } },
    async ({ body, principal }, reply) => {
      const { seeds = [], node, timeout_ms: timeoutMs = defaultTimeoutMs } = body
      const wanted = node === undefined ? seeds : [...seeds, node]
      if (wanted.length === 0)
        throw new ProblemError(422, 'seeds is missing: host:port of a member')
      return await begin(
        reply,
        bus.request(
          joinRequested,
          { nodeId },
          { by: askedBy(principal), seeds: wanted, timeoutMs },
        ),
      )
    },
  )

  app.post(
    '/api/cluster/leave',
    { config: { access: 'admin' }, schema: { body: LeaveRequest, response: beginning } },
    async ({ body: { confirm, timeout_ms: timeoutMs = defaultTimeoutMs }, principal }, reply) => {
      requireConfirmed(confirm, nodeId)
      return await begin(
        reply,
        bus.request(leaveRequested, { nodeId }, { by: askedBy(principal), timeoutMs }),
      )
    },
  )

  app.post(
    '/api/cluster/remove',
    { config: { access: 'admin' }, schema: { body: RemoveRequest, response: beginning } },
    async ({ body: { node_id: memberNodeId, confirm, force = false }, principal }, reply) => {
      requireConfirmed(confirm, memberNodeId)
      return await begin(
        reply,
        bus.request(removeRequested, { nodeId }, { by: askedBy(principal), memberNodeId, force }),
      )
    },
  )

  app.post(
    '/api/cluster/wipe',
    { config: { access: 'admin' }, schema: { body: WipeRequest, response: beginning } },
    async ({ body: { confirm }, principal }, reply) => {
      requireConfirmed(confirm, nodeId)
      return await begin(
        reply,
        bus.request(wipeRequested, { nodeId }, { by: askedBy(principal), confirm }),
      )
    },
  )

  app.post(
    '/api/node/restart',
    {
      config: { access: 'operator' },
      schema: { body: RestartRequest, response: beginning },
      ...bodyIsOptional,
    },
    async ({ body, principal }, reply) => {
      const { node_id: id = nodeId, reason = 'asked for by an operator' } = body
      return await begin(
        reply,
        bus.request(agentRestartRequested, { nodeId: id }, { by: askedBy(principal), reason }),
        id,
      )
    },
  )

  app.get(
    '/api/cluster/operations',
    {
      config: { access: 'viewer' },
      schema: { querystring: NodeQuery, response: answers(OperationsReply) },
    },
    async ({ query: { node = nodeId } }) => {
      const { operations } = await bus
        .request(operationQueried, { nodeId: node }, {})
        .catch(silence(node))
      return { operations, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/cluster/operations/:id',
    {
      config: { access: 'viewer' },
      schema: { params: Type.Object({ id: OperationId }), response: answers(OperationReply) },
    },
    async ({ params: { id } }) => {
      const owner = id.slice(0, -idLength - 1)
      const { operations } = await bus
        .request(operationQueried, { nodeId: owner }, { id })
        .catch(silence(owner))
      const [operation] = operations
      if (!operation) throw new ProblemError(404, `${owner} knows no operation ${id}`)
      return { operation, ...answeredBy(nodeId) }
    },
  )
}

function requireConfirmed(confirm: string, nodeId: string): void {
  if (confirm === nodeId) return
  throw new ProblemError(422, `confirm has to be ${nodeId}, the name of the node that is meant`)
}
