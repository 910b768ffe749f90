import { type Bus, CommandError, messageOf } from '@corroport/bus'
import { ConvergenceReply, rowsDigested } from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { compareDigests, type NodeDigests } from '../convergence.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Members } from '../members/start-members.ts'
import type { Roster } from '../roster.ts'
import { answeredBy, answers } from './responses.ts'

export interface ConvergenceDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  directory: Directory
  roster: Pick<Roster, 'nodeIds'>
  members: Pick<Members, 'current'>
}

type Asked = (NodeDigests & { takenAt: string }) | { nodeId: string; reason: string }

// Each node writes its row every two seconds, so two looks at them are hardly ever equal.
const leftOut = ['node_canaries']

const Query = Type.Object(
  {
    tables: Type.Optional(
      Type.String({
        pattern: '^[^,]{1,200}(,[^,]{1,200}){0,99}$',
        description: 'with commas; without it all but the canaries',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Whether all nodes have the same rows. Asked of all at once; a node that is away is named. */
export function registerConvergence(app: App, deps: ConvergenceDeps): void {
  const { config, bus, directory, roster, members } = deps

  const expected = (): string[] => {
    const left = new Set(
      members.current().members.flatMap(({ node_id, state }) => (state === 'left' ? node_id : [])),
    )
    return roster.nodeIds().filter((nodeId) => !left.has(nodeId))
  }
  const ask = async (nodeId: string, tables: string[] | undefined): Promise<Asked> => {
    if (directory.presence(nodeId) !== 'present') {
      const ageMs = directory.get(nodeId)?.ageMs()
      const since = ageMs === undefined ? '' : ` for ${(ageMs / 1000).toFixed(1)} s`
      return { nodeId, reason: `not heard on NATS${since}` }
    }
    try {
      return { nodeId, ...(await bus.request(rowsDigested, { nodeId }, tables ? { tables } : {})) }
    } catch (error) {
      return { nodeId, reason: reasonOf(error) }
    }
  }

  app.get(
    '/api/cluster/convergence',
    {
      config: { access: 'viewer' },
      schema: { querystring: Query, response: answers(ConvergenceReply) },
    },
    async ({ query }) => {
      const wanted = query.tables?.split(',')
      const asked = await Promise.all(expected().map((nodeId) => ask(nodeId, wanted)))
      const answered = asked.filter((answer) => 'tables' in answer)
      const unanswered = asked.filter((answer) => 'reason' in answer)
      const tables = compareDigests(answered).filter(
        ({ table }) => wanted !== undefined || !leftOut.includes(table),
      )
      const nowhere = tables.find(({ groups }) => groups.every(({ digest }) => digest === null))
      if (nowhere && unanswered.length === 0) {
        throw new ProblemError(404, `no node replicates a table ${nowhere.table}`)
      }
      return {
        is_converged: unanswered.length === 0 && tables.every(({ is_equal }) => is_equal),
        tables,
        answered: answered.map(({ nodeId, takenAt }) => ({ node_id: nodeId, taken_at: takenAt })),
        unanswered: unanswered.map(({ nodeId, reason }) => ({ node_id: nodeId, reason })),
        left_out: wanted === undefined ? leftOut : [],
        ...answeredBy(config.nodeId),
      }
    },
  )
}

function reasonOf(error: unknown): string {
  if (error instanceof CommandError && error.reason !== 'refused') {
    return 'its config-manager does not answer'
  }
  if (error instanceof CommandError && error.refusal) return error.refusal.message
  return messageOf(error)
}
