import type { AgentFile, AgentSubscription } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatBytes } from '../../format/number.ts'

const everyMs = 5000

/** What the agent of a node lives from, and which queries are subscribed to. */
export function AgentFiles({ nodeId }: { nodeId: string }) {
  const query = useQuery({
    queryKey: ['agent', nodeId],
    queryFn: () => gateway.agentOf(nodeId),
    refetchInterval: everyMs,
  })
  return (
    <DataPanel
      title={`Agent of ${nodeId}`}
      what="files and subscriptions"
      query={query}
      everyMs={everyMs}
    >
      {({ files, subscriptions, subscriptions_error }) => (
        <>
          <h3>Files</h3>
          <Table
            caption="Files of the agent"
            file={`agent-files-${nodeId}`}
            rows={files}
            keyOf={({ role, path }) => `${role} ${path}`}
            columns={fileColumns}
            empty="config-manager knows no file of this agent."
          />
          <h3>Subscriptions</h3>
          {subscriptions === null ? (
            <p className="note bad">
              The admin socket does not answer{subscriptions_error && `: ${subscriptions_error}`}.
            </p>
          ) : (
            <Table
              caption="Subscriptions of the agent"
              file={`agent-subscriptions-${nodeId}`}
              rows={subscriptions}
              keyOf={({ id }) => id}
              columns={subscriptionColumns}
              empty="Nobody has subscribed to a query of this agent."
            />
          )}
        </>
      )}
    </DataPanel>
  )
}

const fileColumns: readonly Column<AgentFile>[] = [
  textColumn('role', 'File', ({ role }) => role),
  {
    id: 'exists',
    title: 'There',
    value: ({ exists, error }) => error ?? (exists ? 'yes' : 'no'),
    cell: ({ exists, error }) => {
      if (error !== null) return <Badge tone="bad">{error}</Badge>
      return exists ? <Badge tone="good">yes</Badge> : <Badge tone="quiet">no</Badge>
    },
  },
  {
    id: 'size',
    title: 'Size',
    align: 'right',
    value: ({ size_bytes }) => size_bytes,
    cell: ({ size_bytes }) => (size_bytes === null ? '–' : formatBytes(size_bytes)),
  },
  timeColumn('modified', 'Modified', ({ modified_at }) => modified_at),
  {
    id: 'mode',
    title: 'Mode',
    value: ({ mode }) => mode,
    cell: ({ mode }) => <span className="mono">{mode ?? '–'}</span>,
  },
  {
    id: 'path',
    title: 'Path',
    value: ({ path }) => path,
    cell: ({ path }) => <span className="mono">{path}</span>,
  },
]

const subscriptionColumns: readonly Column<AgentSubscription>[] = [
  {
    id: 'sql',
    title: 'Query',
    value: ({ sql }) => sql,
    cell: ({ sql }) => <span className="mono node-what">{sql}</span>,
  },
  {
    id: 'id',
    title: 'Id',
    value: ({ id }) => id,
    cell: ({ id }) => <span className="mono">{id}</span>,
  },
  {
    id: 'hash',
    title: 'Hash',
    value: ({ hash }) => hash,
    cell: ({ hash }) => <span className="mono">{hash}</span>,
  },
]
