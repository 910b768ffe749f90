import { queryOptions } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'

/** Milliseconds. */
export const configEveryMs = 5000

export const configQuery = (nodeId: string) =>
  queryOptions({
    queryKey: ['config', nodeId],
    queryFn: () => gateway.config(nodeId),
    refetchInterval: configEveryMs,
  })
