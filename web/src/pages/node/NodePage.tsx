import type { NodeSummary, Plan } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { nodesQuery } from '../../api/queries.ts'
import { ErrorNote } from '../../components/Notice.tsx'
import { Tabs } from '../../components/Tabs.tsx'
import { AgentFiles } from './AgentFiles.tsx'
import { Change } from './Change.tsx'
import { Configuration } from './Configuration.tsx'
import { CurrentOperation } from './CurrentOperation.tsx'
import { configQuery } from './config-query.ts'
import { DevelopmentAgentNote } from './DevelopmentAgentNote.tsx'
import { History } from './History.tsx'
import { NodeBar } from './NodeBar.tsx'
import { Overview } from './Overview.tsx'
import { Samples } from './Samples.tsx'
import { type Tab, tabs } from './search.ts'
import { useEditDraft } from './useEditDraft.ts'
import './node.css'

const titles: Record<Tab, string> = {
  overview: 'Overview',
  samples: 'Samples',
  configuration: 'Configuration',
  bootstrap: 'Change',
  agent: 'Agent files',
  history: 'History',
}

/** One node, whichever it is: its services, its agent, its file, and what happened to them. */
export function NodePage() {
  const { node } = useSearch({ from: '/node' })
  const { data, error, dataUpdatedAt, refetch } = useQuery(nodesQuery)
  const nodes = data?.nodes ?? []
  const nodeId = node ?? nodes.find(({ is_local }) => is_local)?.node_id
  return (
    <>
      <h1>Node{nodeId !== undefined && ` ${nodeId}`}</h1>
      {error !== null && (
        <ErrorNote error={error} what="the list of nodes" onRetry={() => void refetch()} />
      )}
      {nodeId === undefined ? (
        error === null && (
          <p className="loading" aria-busy="true">
            Loading the nodes …
          </p>
        )
      ) : (
        <OneNode
          key={nodeId}
          nodeId={nodeId}
          nodes={nodes}
          heardAt={dataUpdatedAt}
          isLoaded={data !== undefined}
        />
      )}
    </>
  )
}

interface OneNodeProps {
  nodeId: string
  nodes: readonly NodeSummary[]
  /** When they were asked for. Unix milliseconds. */
  heardAt: number
  isLoaded: boolean
}

function OneNode({ nodeId, nodes, heardAt, isLoaded }: OneNodeProps) {
  const { tab = 'overview' } = useSearch({ from: '/node' })
  // Beside the tabs, so that what was typed is there when one comes back.
  const [draft, setDraft] = useEditDraft(nodeId)
  const [plan, setPlan] = useState<Plan>()
  const config = useQuery({
    ...configQuery(nodeId),
    enabled: tab === 'configuration' || tab === 'bootstrap',
  })
  const summary = nodes.find(({ node_id }) => node_id === nodeId)
  return (
    <>
      <NodeBar nodeId={nodeId} nodes={nodes} summary={summary} heardAt={heardAt} />
      {isLoaded && !summary && (
        <p className="note warn">
          {nodeId} is neither declared nor heard: its name may be wrong, or it was removed.
        </p>
      )}
      {summary && <DevelopmentAgentNote of={summary} />}
      <Tabs label="Parts of the node" {...{ tabs, titles }} chosen={tab} />
      <CurrentOperation nodeId={nodeId} />
      {tab === 'overview' && <Overview nodeId={nodeId} summary={summary} heardAt={heardAt} />}
      {tab === 'samples' && <Samples nodeId={nodeId} />}
      {tab === 'configuration' && <Configuration nodeId={nodeId} query={config} />}
      {tab === 'bootstrap' && (
        <Change
          nodeId={nodeId}
          query={config}
          draft={draft}
          onDraft={setDraft}
          plan={plan}
          onPlan={setPlan}
        />
      )}
      {tab === 'agent' && <AgentFiles nodeId={nodeId} />}
      {tab === 'history' && <History nodeId={nodeId} />}
    </>
  )
}
