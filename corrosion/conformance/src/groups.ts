import type { Group } from './conformance-case.ts'
import { adminGroup } from './groups/admin.ts'
import { conflictsGroup } from './groups/conflicts.ts'
import { guardsGroup } from './groups/guards.ts'
import { type Endings, historyGroup } from './groups/histories.ts'
import { furtherGroup, recordedGroup } from './groups/http.ts'
import { internalTablesGroup } from './groups/internal-tables.ts'
import { replicationGroup, restartOrderGroup } from './groups/replication.ts'
import { gracefulRestartGroup, killedRestartGroup } from './groups/restarts.ts'
import { schemaFilesGroup } from './groups/schema-files.ts'
import { streamsGroup } from './groups/streams.ts'
import { updatesGroup } from './groups/updates.ts'

/** Made anew for each run: their cases keep open streams from one to the next. */
export function createGroups(seeds: readonly number[], endings: Endings): Group[] {
  return [
    recordedGroup(),
    furtherGroup(),
    guardsGroup(),
    streamsGroup(),
    updatesGroup(),
    gracefulRestartGroup(),
    killedRestartGroup(),
    adminGroup(),
    internalTablesGroup(),
    schemaFilesGroup(),
    conflictsGroup(),
    replicationGroup(),
    restartOrderGroup(),
    ...seeds.flatMap((seed) => [
      historyGroup(seed, 'restart', endings),
      historyGroup(seed, 'cut', endings),
    ]),
  ]
}
