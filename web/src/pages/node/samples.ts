import type { NodeSampled, RecordsReply } from '@corroport/contracts'
import { byteIncrements, formatBytes, formatCount } from '../../format/number.ts'
import { formatDuration } from '../../format/time.ts'

interface SampleFigure {
  label: string
  of: (sample: NodeSampled) => number | null
}

export interface SampleChart {
  id: string
  title: string
  format: (value: number) => string
  increments?: readonly number[]
  figures: readonly SampleFigure[]
}

/** What is drawn of a node's samples. */
export const sampleCharts: readonly SampleChart[] = [
  {
    id: 'cpu',
    title: 'Processor, of one core',
    format: (value) => `${value.toFixed(1)} %`,
    figures: [
      { label: 'agent', of: ({ agent }) => agent.cpuPercent },
      { label: 'services', of: ({ services }) => services.cpuPercent },
    ],
  },
  {
    id: 'memory',
    title: 'Memory',
    format: formatBytes,
    increments: byteIncrements,
    figures: [
      { label: 'agent', of: ({ agent }) => agent.residentBytes },
      { label: 'services', of: ({ services }) => services.residentBytes },
      { label: 'heap of services', of: ({ services }) => services.heapBytes },
    ],
  },
  {
    id: 'database',
    title: 'Database of the agent',
    format: formatBytes,
    increments: byteIncrements,
    figures: [
      { label: 'main file', of: ({ agent }) => agent.databaseBytes },
      { label: 'write-ahead log', of: ({ agent }) => agent.walBytes },
    ],
  },
  {
    id: 'backlog',
    title: 'Missing versions and changes waiting',
    format: formatCount,
    figures: [
      { label: 'gaps', of: ({ agent }) => agent.gaps },
      { label: 'queue', of: ({ agent }) => agent.queueSize },
    ],
  },
  {
    id: 'loop',
    title: 'Event loop of the services, p99',
    format: formatDuration,
    figures: [{ label: 'delay', of: ({ services }) => services.loopDelayP99Ms }],
  },
  {
    id: 'lag',
    title: "Corrosion's own lag, p99, wrong by the clocks' difference",
    format: formatDuration,
    figures: [
      {
        label: 'lag',
        of: ({ agent: { p99LagSeconds } }) =>
          p99LagSeconds === null ? null : p99LagSeconds * 1000,
      },
    ],
  },
]

/** The samples of a node among its records, oldest first. */
export function toSamples(records: RecordsReply['records']): NodeSampled[] {
  return (
    records
      .filter(({ violation }) => violation === null)
      // The gateway checked the payloads of the subjects that were asked for.
      .map(({ payload }) => payload as NodeSampled)
      .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
  )
}

/** With those that came since, each once, without what is older than the range. */
export function appendSamples(
  samples: readonly NodeSampled[],
  later: readonly NodeSampled[],
  since: string,
): NodeSampled[] {
  const known = new Set(samples.map(({ at }) => at))
  const from = Date.parse(since)
  return [...samples, ...later.filter(({ at }) => !known.has(at))].filter(
    ({ at }) => Date.parse(at) >= from,
  )
}

interface Plotted {
  /** Unix seconds. */
  x: number[]
  series: { label: string; values: (number | null)[] }[]
}

/** A line breaks where samples are missing. */
export function plot(samples: readonly NodeSampled[], figures: readonly SampleFigure[]): Plotted {
  const x: number[] = []
  const series = figures.map(({ label }): Plotted['series'][number] => ({ label, values: [] }))
  let last = Infinity
  for (const sample of samples) {
    const at = Date.parse(sample.at) / 1000
    if (at - last > (3 * sample.intervalMs) / 1000) {
      x.push(last + 1)
      for (const { values } of series) values.push(null)
    }
    x.push(at)
    for (const [index, { of }] of figures.entries()) series[index]?.values.push(of(sample))
    last = at
  }
  return { x, series }
}
