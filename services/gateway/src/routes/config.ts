import type { Bus } from '@corroport/bus'
import {
  ApplyRequest,
  ConfigNodeRequest,
  ConfigReply,
  configPlanned,
  configQueried,
  configRestoreRequested,
  configRollbackRequested,
  NodeId,
  OperationReply,
  PlanReply,
  PlanRequest,
  RolloutReply,
  RolloutsReply,
  rolloutStarted,
  rolloutSteered,
  rolloutsQueried,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import type { Config } from '../config.ts'
import { notAnsweredBy, ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { accepts, answeredBy, answers, bodyIsOptional } from './responses.ts'

export interface ConfigRoutesDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const RolloutParams = Type.Object({ id: Type.String({ maxLength: 128 }) })
const ConfigQuery = Type.Object(
  {
    node: Type.Optional(NodeId),
    changes: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 20 })),
  },
  { additionalProperties: false },
)

/** Files of agents and changes of them; asked of this node's config-manager or of the named one. */
export function registerConfig(app: App, { config, bus }: ConfigRoutesDeps): void {
  const { nodeId: self } = config
  const silence = (nodeId: string) => notAnsweredBy(`config-manager of ${nodeId}`)

  app.get(
    '/api/config',
    {
      config: { access: 'viewer' },
      schema: { querystring: ConfigQuery, response: answers(ConfigReply) },
    },
    async ({ query }) => {
      const { node: nodeId = self, changes = 20 } = query
      const reply = await bus.request(configQueried, { nodeId }, { changes }).catch(silence(nodeId))
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.post(
    '/api/config/plan',
    { config: { access: 'operator' }, schema: { body: PlanRequest, response: answers(PlanReply) } },
    async ({ body, principal }) => {
      const { nodes, ...edit } = body
      const { plan } = await bus
        .request(configPlanned, { nodeId: self }, { edit, nodes, by: askedBy(principal) })
        .catch(silence(self))
      return { plan, ...answeredBy(self) }
    },
  )

  app.post(
    '/api/config/apply',
    {
      config: { access: 'operator' },
      schema: { body: ApplyRequest, response: accepts(RolloutReply) },
    },
    async ({ body: { plan_id: planId, confirm }, principal }, reply) => {
      if (confirm !== planId) {
        throw new ProblemError(422, 'confirm must be the id of the plan once more')
      }
      const nodeId = makerOf(planId)
      if (nodeId === undefined) throw new ProblemError(404, `there is no plan ${planId}`)
      const { rollout } = await bus
        .request(rolloutStarted, { nodeId }, { planId, by: askedBy(principal) })
        .catch(silence(`${nodeId}, which made the plan,`))
      reply.code(202)
      return { rollout, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/config/rollouts',
    { config: { access: 'viewer' }, schema: { response: answers(RolloutsReply) } },
    async () => {
      const { rollouts } = await bus
        .request(rolloutsQueried, { nodeId: self }, {})
        .catch(silence(self))
      return { rollouts, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/config/rollouts/:id',
    {
      config: { access: 'viewer' },
      schema: { params: RolloutParams, response: answers(RolloutReply) },
    },
    async ({ params: { id } }) => {
      const { rollouts } = await bus
        .request(rolloutsQueried, { nodeId: self }, { id })
        .catch(silence(self))
      const [rollout] = rollouts
      if (!rollout) throw new ProblemError(404, `there is no rollout ${id}`)
      return { rollout, ...answeredBy(self) }
    },
  )

  for (const action of ['pause', 'resume', 'abort'] as const) {
    app.post(
      `/api/config/rollouts/:id/${action}`,
      {
        config: { access: 'operator' },
        schema: { params: RolloutParams, response: answers(RolloutReply) },
      },
      async ({ params: { id }, principal }) => {
        const { rollout } = await bus
          .request(rolloutSteered, { nodeId: self }, { id, action, by: askedBy(principal) })
          .catch(silence(self))
        return { rollout, ...answeredBy(self) }
      },
    )
  }

  for (const [action, command] of [
    ['rollback', configRollbackRequested],
    ['restore', configRestoreRequested],
  ] as const) {
    app.post(
      `/api/config/${action}`,
      {
        config: { access: 'operator' },
        schema: { body: ConfigNodeRequest, response: accepts(OperationReply) },
        ...bodyIsOptional,
      },
      async ({ body, principal }, reply) => {
        const { node_id: nodeId = self } = body
        const { operation } = await bus
          .request(command, { nodeId }, { by: askedBy(principal) })
          .catch(silence(nodeId))
        reply.code(202)
        return { operation, ...answeredBy(self) }
      },
    )
  }
}

/** `<node_id>_<ULID>` */
function makerOf(planId: string): string | undefined {
  return /^([a-zA-Z0-9_-]{1,64})_[0-9A-HJKMNP-TV-Z]{26}$/.exec(planId)?.[1]
}
