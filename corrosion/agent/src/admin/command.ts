import { type Answer, say } from './admin-agent.ts'
import { members, membershipStates, rejoin, setClusterId } from './cluster-answers.ts'
import { resetLab, setClock, setLink, showLab } from './lab-answers.ts'
import { SerdeReader, type Variant, type Variants } from './serde-reader.ts'
import { subscription, subscriptions } from './subs-answers.ts'
import { actorVersion, checkBookieConsistency, reconcileGaps, syncState } from './sync-answers.ts'

/** What answers a request. Throws `DecodeError`. */
export function readCommand(frame: Buffer): Answer {
  const reader = new SerdeReader(frame)
  const answer = reader.variant(commands, laboratory)
  reader.end()
  return answer
}

const alone = (value: Answer): Variant<Answer> => ({ kind: 'unit', value })
const group = (variants: Variants<Answer>): Variant<Answer> => ({
  kind: 'newtype',
  read: (reader) => reader.variant(variants),
})

/** In the order in which Corrosion v1.0.0 names them. */
const commands: Variants<Answer> = {
  Ping: alone(() => []),
  Sync: group({
    Generate: alone(syncState),
    ReconcileGaps: alone(reconcileGaps),
    CheckBookieConsistency: alone(checkBookieConsistency),
  }),
  Cluster: group({
    Rejoin: alone(rejoin),
    Members: alone(members),
    MembershipStates: alone(membershipStates),
    SetId: { kind: 'newtype', read: (reader) => setClusterId(reader.integer('u16')) },
  }),
  Actor: group({
    Version: {
      kind: 'struct',
      read(reader) {
        let actorId = ''
        let version = 0
        reader.struct('ActorCommand::Version', {
          actor_id: () => (actorId = reader.uuid()),
          version: () => (version = reader.integer('u64')),
        })
        return actorVersion(actorId, version)
      },
    },
  }),
  Subs: group({
    Info: {
      kind: 'struct',
      read(reader) {
        let hash: string | null = null
        let id: string | null = null
        const fields = {
          hash: () => (hash = reader.nullOr(() => reader.string())),
          id: () => (id = reader.nullOr(() => reader.uuid())),
        }
        reader.struct('SubsCommand::Info', fields, [])
        return subscription(hash, id)
      },
    },
    List: alone(subscriptions),
  }),
  Log: group({
    Set: {
      kind: 'struct',
      read(reader) {
        let filter = ''
        reader.struct('LogCommand::Set', { filter: () => (filter = reader.string()) })
        return keepLogFilter(filter)
      },
    },
    Reset: alone(keepLogFilter(null)),
  }),
  Reload: alone(async function* ({ reload }) {
    yield say('reloading schema from configured paths...')
    await reload()
    yield say('schema reload finished')
  }),
}

/** Real agents do not know it. */
const laboratory: Variants<Answer> = {
  Lab: group({
    Show: alone(showLab),
    Set: { kind: 'struct', read: (reader) => setLink(reader.any()) },
    Clock: { kind: 'struct', read: (reader) => setClock(reader.any()) },
    Reset: alone(resetLab),
  }),
}

/** Answered as if it had been done; what the agent logs has no targets to filter by. */
function keepLogFilter(filter: string | null): Answer {
  return function* ({ log }) {
    log.info('a log filter has no effect', { filter })
    yield say('reloaded tracing handle')
  }
}
