import { type Bus, openDocuments, type StateFile } from '@corroport/bus'
import {
  createParser,
  nowMicroseconds,
  Rollout,
  rolloutBucket,
  rolloutChanged,
  toTimestamp,
} from '@corroport/contracts'

export const migrations = [
  `CREATE TABLE rollout (
     id TEXT PRIMARY KEY,
     epoch INTEGER NOT NULL,
     version INTEGER NOT NULL,
     document TEXT NOT NULL
   ) STRICT;
   CREATE INDEX rollout_newest ON rollout (epoch, version);`,
] as const

/** The document as it is in NATS. */
export interface Held {
  rollout: Rollout
  revision: number
}

/**
 * The one document of the cluster's newest rollout, in NATS, and every rollout that this node has
 * seen, in its state file. There is one key, so there can be no second rollout beside a running one.
 */
export interface RolloutDocument extends AsyncDisposable {
  /** What is in NATS. Where this node knows a newer one, the store was lost: it is put back. */
  read(): Promise<Held | undefined>
  /** Undefined when somebody was faster. */
  write(rollout: Rollout, before: Held | undefined): Promise<Held | undefined>
  /** Keeps what another node knows, which may be newer than what is in NATS. */
  remember(rollout: Rollout): void
  find(id: string): Rollout | undefined
  /** Newest first. */
  latest(count: number): Rollout[]
}

const key = 'rollout'
const keepRollouts = 100
const parse = createParser('rollout document', Rollout)

export function openRolloutDocument({
  nodeId,
  bus,
  state,
}: {
  nodeId: string
  bus: Bus
  state: StateFile
}): RolloutDocument {
  const documents = openDocuments(bus, rolloutBucket.name, parse)
  const select = state.db.prepare('SELECT document FROM rollout WHERE id = ?')
  const selectLatest = state.db.prepare(
    'SELECT document FROM rollout ORDER BY epoch DESC, version DESC LIMIT ?',
  )
  const upsert = state.db.prepare(
    `INSERT INTO rollout (id, epoch, version, document) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (id) DO UPDATE SET epoch = ?2, version = ?3, document = ?4`,
  )
  const prune = state.db.prepare(
    `DELETE FROM rollout WHERE id NOT IN
       (SELECT id FROM rollout ORDER BY epoch DESC, version DESC LIMIT ${keepRollouts})`,
  )
  const read = (row: Record<string, unknown>): Rollout => parse(JSON.parse(String(row.document)))
  const find = (id: string): Rollout | undefined => {
    const row = select.get(id)
    return row && read(row)
  }
  const latest = (count: number): Rollout[] => selectLatest.all(count).map(read)

  const remember = (rollout: Rollout): void => {
    const known = find(rollout.id)
    if (known && !isNewer(rollout, known)) return
    state.transaction((tell) => {
      upsert.run(rollout.id, rollout.epoch, rollout.version, JSON.stringify(rollout))
      prune.run()
      // Also when another process of this node wrote it, and was killed before it told it.
      if (rollout.coordinator === nodeId) {
        tell(rolloutChanged, { nodeId }, { nodeId, at: toTimestamp(nowMicroseconds()), rollout })
      }
    })
  }

  const write = async (rollout: Rollout, before: Held | undefined): Promise<Held | undefined> => {
    const revision = before
      ? await documents.update(key, rollout, before.revision)
      : await documents.create(key, rollout)
    if (revision === undefined) return undefined
    // Only now: what a node remembers has been in NATS, else it could put back what never was.
    remember(rollout)
    return { rollout, revision }
  }

  return {
    async read() {
      for (;;) {
        const document = await documents.get(key)
        const held = document && { rollout: document.value, revision: document.revision }
        const [newest] = latest(1)
        if (!newest || (held && !isNewer(newest, held.rollout))) {
          if (held) remember(held.rollout)
          return held
        }
        const restored = await write(newest, held)
        if (restored) return restored
      }
    },
    write,
    remember,
    find,
    latest,
    [Symbol.asyncDispose]: () => documents[Symbol.asyncDispose](),
  }
}

/** Epochs go up over all rollouts, so this orders the documents of different ones too. */
function isNewer(one: Rollout, other: Rollout): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.version > other.version)
}
