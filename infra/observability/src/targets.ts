interface TargetGroup {
  targets: string[]
  labels: Record<string, string>
}

export const nodeServices = ['gateway', 'subscriber', 'ack-sender', 'config-manager'] as const
const metricsPort = 9100
const agentMetricsPort = 9090

/** What Prometheus asks in compose, where `gateway2` is the gateway of the second node. */
export function composeTargets(nodes: number): {
  'corroport.json': TargetGroup[]
  'corrosion.json': TargetGroup[]
} {
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1)
  return {
    'corroport.json': [
      ...numbers.flatMap((number) =>
        nodeServices.map((service) => ({
          targets: [`${service}${number}:${metricsPort}`],
          labels: { node: `node${number}`, service },
        })),
      ),
      // Without a node: its figures of clocks name one themselves.
      { targets: [`analytics:${metricsPort}`], labels: { service: 'analytics' } },
    ],
    'corrosion.json': numbers.map((number) => ({
      targets: [`agent${number}:${agentMetricsPort}`],
      labels: { node: `node${number}` },
    })),
  }
}
