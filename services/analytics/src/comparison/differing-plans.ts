import type { Experiment } from '@corroport/contracts'

type Compared = Pick<Experiment, 'id' | 'status' | 'plan' | 'expected' | 'environment'>

export interface Difference {
  name: string
  /** With the values, where they are short. */
  text: string
}

/** What else differs between experiments, and may be the cause of what is seen. */
export function findDifferingPlans(experiments: readonly Compared[]): Difference[] {
  return aspects.flatMap(({ name, of }) => {
    const values = [...new Set(experiments.map(of))]
    if (values.length < 2) return []
    const shown = values.every(({ length }) => length <= 80) ? `: ${values.join(' and ')}` : ''
    return [{ name, text: `${name} differ${shown}` }]
  })
}

export function describeCutShort(experiments: readonly Compared[]): string[] {
  const short = experiments.filter(({ status }) => status !== 'finished')
  if (short.length === 0) return []
  const named = short.map(({ id, status }) => `${id} (${status})`)
  return [`not carried out as planned: ${named.join(', ')}`]
}

const aspects: { name: string; of: (experiment: Compared) => string }[] = [
  { name: 'transports', of: ({ plan }) => plan.transports.toSorted().join(' with ') },
  {
    name: 'numbers of messages',
    of: ({ plan }) => (plan.count === 0 ? 'any number' : `${plan.count - plan.warmup}`),
  },
  { name: 'sizes of the payload', of: ({ plan }) => `${plan.payload_bytes} bytes` },
  { name: 'intervals', of: ({ plan }) => `${plan.interval_ms} ms` },
  { name: 'origins', of: ({ plan }) => `${plan.origins.length} (${hasAll(plan.origins)})` },
  { name: 'receivers', of: ({ expected }) => `${expected.length} (${hasAll(expected)})` },
  {
    name: 'versions',
    of: ({ environment }) => describeRecord(environment?.versions ?? {}),
  },
  {
    name: 'agents',
    of: ({ environment }) =>
      hasAll((environment?.nodes ?? []).map(({ agent_kind }) => agent_kind ?? 'not known')),
  },
  {
    name: 'configurations of the agents',
    of: ({ environment }) =>
      hasAll(
        (environment?.nodes ?? []).map(
          ({ node_id, config_sha256 }) => `${node_id} ${config_sha256 ?? 'not known'}`,
        ),
      ),
  },
  {
    name: 'machines',
    of: ({ environment }) =>
      environment
        ? `${environment.host.platform} with ${environment.host.cores} cores`
        : 'not known',
  },
]

const hasAll = (values: readonly string[]): string => [...new Set(values)].toSorted().join(', ')

function describeRecord(record: Readonly<Record<string, string>>): string {
  return hasAll(Object.entries(record).map((pair) => pair.join(' ')))
}
