import { type Static, Type } from 'typebox'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

const known = (description: string) =>
  nullable(Type.Number(), { description: `${description}; null: not known` })

/** Each five seconds. Counters count from the start of what counts them. */
export const nodeSampled = defineRecord(
  'corro.node.sampled.{nodeId}',
  'How an agent and the services beside it do.',
  Type.Object({
    nodeId: NodeId,
    at: Timestamp,
    intervalMs: Type.Number({ description: 'since the sample before' }),
    agent: Type.Object({
      pid: known('process id'),
      residentBytes: known('memory of the process'),
      cpuPercent: known('of one core, over the interval'),
      databaseBytes: known('size of the main file'),
      walBytes: known('size of its write-ahead log'),
      gaps: known('missing versions'),
      p99LagSeconds: known("Corrosion's own figure, wrong by the clocks' difference"),
      queueSize: known('changes that wait to be applied'),
      metrics: Type.Record(Type.String(), Type.Number(), {
        description:
          "some of the agent's Prometheus figures, summed over labels, by their own names",
      }),
    }),
    services: Type.Object({
      loopDelayP99Ms: known('event loop of the process that samples'),
      heapBytes: known('its heap'),
      residentBytes: known('its memory'),
      cpuPercent: known('of one core, over the interval'),
    }),
  }),
  (event) => `sample.${event.nodeId}.${event.at}`,
)
export type NodeSampled = Static<typeof nodeSampled.schema>
