import { Endpoint, Region } from '@corroport/contracts'
import {
  type AgentConfig,
  agentVariables,
  type ClusterSettings,
  clusterVariables,
  type NodeConfig,
  nodeVariables,
  toAgentConfig,
  toClusterSettings,
  toNodeConfig,
} from '@corroport/node-process'
import { readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'
import {
  type AgentControlSettings,
  agentControlVariables,
  toAgentControlSettings,
} from './agent/agent-settings.ts'
import { regionInNodeId } from './membership/region.ts'
import {
  type MembershipSettings,
  membershipVariables,
  toMembershipSettings,
} from './membership/settings.ts'

export const Environment = Type.Object({
  ...nodeVariables,
  ...agentVariables,
  AGENT_CONFIG: Type.String({ description: 'the file that the agent runs from' }),
  AGENT_CANONICAL_CONFIG: Type.Optional(
    Type.String({ description: 'the file that a restore copies from; none without it' }),
  ),
  ...agentControlVariables,
  ...clusterVariables,
  ...membershipVariables,
  REGION: Type.Optional(
    setting(Region, {
      description: "where this node is; else the node id's part before its first -",
    }),
  ),
  API_ENDPOINT: setting(Endpoint, { description: 'host:port of the API, as others reach it' }),
  PEER_ENDPOINT: setting(Endpoint, {
    description: 'host:port for acknowledgements, as others reach it',
  }),
})

export interface Config extends NodeConfig {
  region: string
  agent: AgentConfig
  control: AgentControlSettings
  configPath: string
  canonicalPath: string | null
  cluster: ClusterSettings
  membership: MembershipSettings
  endpoints: { api: string; peer: string }
  /** Of settings that have no effect or do harm; to be logged once. */
  warnings: readonly string[]
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  // First, since it knows what takes the place of settings that are not there.
  const { settings: cluster, warnings } = toClusterSettings(environment)
  const env = readEnvironment(Environment, environment)
  return {
    ...toNodeConfig(env),
    region: env.REGION ?? regionInNodeId(env.NODE_ID) ?? 'unknown',
    agent: toAgentConfig(env),
    control: toAgentControlSettings(env),
    configPath: env.AGENT_CONFIG,
    canonicalPath: env.AGENT_CANONICAL_CONFIG ?? null,
    cluster,
    membership: toMembershipSettings(env, cluster),
    endpoints: { api: env.API_ENDPOINT, peer: env.PEER_ENDPOINT },
    warnings,
  }
}
