import { type Static, Type } from 'typebox'
import { EnvironmentError, Port, secret, setting } from './environment.ts'

/** How a process is watched and stopped. */
export interface OperatorConfig {
  metricsPort: number
  metricsHost: string
  /** Secret. Who has it sees metrics and what health says beyond its status. */
  metricsToken: string | undefined
  stopDelayMs: number
}

export const operatorVariables = {
  METRICS_PORT: setting(Port, { description: 'port of health and metrics' }),
  METRICS_HOST: Type.String({
    default: '127.0.0.1',
    description: 'address of health and metrics; beyond loopback METRICS_TOKEN is needed',
  }),
  METRICS_TOKEN: Type.Optional(
    secret(Type.String({ pattern: '^[!-~]{16,}$' }), {
      description:
        'asked for as a bearer token by /metrics and by the details of health; 16 visible characters or more',
    }),
  ),
  STOP_DELAY_MS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 25_000,
    description:
      'so long it still serves after SIGTERM, not ready any more, until load balancers have seen it; at most 25000',
  }),
}
const OperatorEnvironment = Type.Object(operatorVariables)

export function toOperatorConfig(env: Static<typeof OperatorEnvironment>): OperatorConfig {
  if (!isLoopback(env.METRICS_HOST) && env.METRICS_TOKEN === undefined) {
    throw new EnvironmentError(
      `METRICS_HOST=${env.METRICS_HOST} lets others read metrics and health: set METRICS_TOKEN or METRICS_TOKEN_FILE, or listen on 127.0.0.1 only`,
    )
  }
  return {
    metricsPort: env.METRICS_PORT,
    metricsHost: env.METRICS_HOST,
    metricsToken: env.METRICS_TOKEN,
    stopDelayMs: env.STOP_DELAY_MS,
  }
}

export function isLoopback(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || /^127(\.\d{1,3}){3}$/.test(host)
}
