import { Endpoint, Region } from '@corroport/contracts'
import {
  type AgentConfig,
  agentVariables,
  type NodeConfig,
  nodeVariables,
  toAgentConfig,
  toNodeConfig,
} from '@corroport/node-process'
import { readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'

export const Environment = Type.Object({
  ...nodeVariables,
  ...agentVariables,
  REGION: setting(Region, { default: 'local', description: 'where this node is' }),
  API_ENDPOINT: setting(Endpoint, { description: 'host:port of the API, as others reach it' }),
  PEER_ENDPOINT: setting(Endpoint, {
    description: 'host:port for acknowledgements, as others reach it',
  }),
})

export interface Config extends NodeConfig {
  region: string
  agent: AgentConfig
  endpoints: { api: string; peer: string }
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    ...toNodeConfig(env),
    region: env.REGION,
    agent: toAgentConfig(env),
    endpoints: { api: env.API_ENDPOINT, peer: env.PEER_ENDPOINT },
  }
}
