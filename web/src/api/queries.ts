import type { OperationReply } from '@corroport/contracts'
import { queryOptions } from '@tanstack/react-query'
import { gateway } from './gateway.ts'

/** How often pages ask again for what changes by itself. Milliseconds. */
export const everyMs = {
  members: 2000,
  manyMembers: 10_000,
  operation: 1000,
  nodes: 2000,
  session: 60_000,
} as const

// What several pages ask for; what one page asks for stands with it.

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: gateway.session,
  refetchInterval: everyMs.session,
  // Also while nobody is signed in, who may do that in another tab.
  refetchIntervalInBackground: true,
})

export const membersQuery = queryOptions({
  queryKey: ['members'],
  queryFn: gateway.members,
  refetchInterval: ({ state }) => membersPace(state.data?.members.length),
})

/** Of 500 members an answer has half a megabyte. */
export function membersPace(count = 0): number {
  return count > 100 ? everyMs.manyMembers : everyMs.members
}

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: gateway.nodes,
  refetchInterval: everyMs.nodes,
})

export const operationQuery = (id: string) =>
  queryOptions({
    queryKey: ['operation', id],
    queryFn: () => gateway.operation(id),
    refetchInterval: ({ state }) => (isRunning(state.data) ? everyMs.operation : false),
  })

function isRunning(reply: OperationReply | undefined): boolean {
  return reply === undefined || reply.operation.state === 'running'
}
