import type { NodeSampled } from '@corroport/contracts'
import { Gauge, type Registry } from 'prom-client'

/** The figures of the latest sample that the agent's own exporter does not have. */
export function registerSampleMetrics(
  registry: Registry,
  read: () => NodeSampled['agent'] | undefined,
): void {
  const gauge = (
    name: string,
    help: string,
    value: (agent: NodeSampled['agent']) => number | null,
  ): void => {
    const instrument: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => {
        const agent = read()
        const known = agent ? value(agent) : null
        if (known === null) instrument.remove()
        else instrument.set(known)
      },
    })
  }
  gauge('corro_agent_resident_bytes', "Memory of the agent's process", (a) => a.residentBytes)
  gauge(
    'corro_agent_cpu_ratio',
    "Processor of the agent's process, of one core, over the last sample",
    ({ cpuPercent }) => (cpuPercent === null ? null : cpuPercent / 100),
  )
  gauge('corro_agent_database_bytes', "Size of the agent's database", (a) => a.databaseBytes)
  gauge('corro_agent_wal_bytes', "Size of the agent's write-ahead log", (a) => a.walBytes)
}
