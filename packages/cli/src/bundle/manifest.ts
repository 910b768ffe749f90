import { Experiment, ExperimentProgress, Timestamp } from '@corroport/contracts'
import { type Static, Type } from 'typebox'

export const bundleFormat = 'corroport-experiment'
export const bundleVersion = 1

/** Records as they were told, one a line. What is read back are these and the manifest. */
export const recordFiles = ['events.ndjson', 'clocks.ndjson', 'samples.ndjson'] as const
export type RecordFile = (typeof recordFiles)[number]
/** For people and other programs: an import computes its own. */
const derivedFiles = ['figures.json', 'pairs.json', 'report.html'] as const

/** `manifest.json`, written last: a folder without it is no bundle. */
export const Manifest = Type.Object({
  format: Type.Literal(bundleFormat),
  version: Type.Literal(bundleVersion),
  exported_at: Timestamp,
  exported_by: Type.String({ description: 'version of corroport' }),
  experiment: Experiment,
  progress: ExperimentProgress,
  commands: Type.Array(Type.String(), { description: 'to look at it, and to run it again' }),
  files: Type.Array(
    Type.Object({
      // A closed list: a name out of a file never becomes a path.
      name: Type.Enum([...recordFiles, ...derivedFiles]),
      bytes: Type.Integer({ minimum: 0 }),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
  ),
})
export type Manifest = Static<typeof Manifest>
