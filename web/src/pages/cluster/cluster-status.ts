import type { ClusterStatus } from '@corroport/contracts'
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { gateway } from '../../api/gateway.ts'
import { useLiveState } from '../../live/hooks.ts'

/** How often the status comes. Milliseconds. */
export const statusEveryMs = 2000

const queryKey = ['status']

/** The status of the cluster, as the stream of events has it; asked for while that does not come. */
export function useClusterStatus(): UseQueryResult<ClusterStatus> {
  const queries = useQueryClient()
  const { status, connection } = useLiveState()
  const isStreamed = connection.name === 'open' && status !== null
  useEffect(() => {
    if (status) queries.setQueryData(queryKey, status.value, { updatedAt: status.at })
  }, [queries, status])
  return useQuery({
    queryKey,
    queryFn: gateway.status,
    refetchInterval: isStreamed ? false : statusEveryMs,
  })
}
