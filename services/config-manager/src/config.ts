import { Endpoint, NodeId, Region } from '@corroport/contracts'
import { LogLevelSetting, Port, readEnvironment, setting } from '@corroport/service'
import { type Static, Type } from 'typebox'

const Environment = Type.Object({
  NODE_ID: setting(NodeId, { description: 'name of this node: letters, digits, - and _' }),
  REGION: setting(Region, { default: 'local', description: 'where this node is' }),
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'of NATS_USER' })),
  AGENT_URL: Type.String({ description: "origin of this node's agent: http://127.0.0.1:8081" }),
  AGENT_TOKEN: Type.Optional(Type.String({ description: 'bearer token of the agent' })),
  STATE_DIR: Type.String({ description: "this node's state folder" }),
  API_ENDPOINT: setting(Endpoint, { description: 'host:port of the API, as others reach it' }),
  PEER_ENDPOINT: setting(Endpoint, {
    description: 'host:port for acknowledgements, as others reach it',
  }),
  METRICS_PORT: setting(Port, { description: 'health and metrics, on loopback' }),
  LOG_LEVEL: LogLevelSetting,
})

export interface Config {
  nodeId: string
  region: string
  nats: { url: string; user: string | undefined; password: string | undefined }
  agent: { url: string; bearerToken: string | undefined }
  stateDir: string
  endpoints: { api: string; peer: string }
  metricsPort: number
  logLevel: Static<typeof LogLevelSetting>
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    nodeId: env.NODE_ID,
    region: env.REGION,
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    agent: { url: env.AGENT_URL, bearerToken: env.AGENT_TOKEN },
    stateDir: env.STATE_DIR,
    endpoints: { api: env.API_ENDPOINT, peer: env.PEER_ENDPOINT },
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
  }
}
