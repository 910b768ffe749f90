import type { NodeSummary, Plan } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { everyMs, nodesQuery } from '../../api/queries.ts'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { Choice } from '../../components/Field.tsx'
import { ErrorNote } from '../../components/Notice.tsx'
import { OperationProgress } from '../../components/OperationProgress.tsx'
import { useRefusal } from '../../shell/refusal.ts'
import { AgentFiles } from './AgentFiles.tsx'
import { Change } from './Change.tsx'
import { Configuration } from './Configuration.tsx'
import { configQuery } from './config-query.ts'
import { DevelopmentAgentNote } from './DevelopmentAgentNote.tsx'
import { type EditDraft, emptyDraft } from './edit-draft.ts'
import { History } from './History.tsx'
import { Overview } from './Overview.tsx'
import { Restart } from './Restart.tsx'
import { RollBack } from './ReturnButtons.tsx'
import { Samples } from './Samples.tsx'
import { tabs } from './search.ts'
import './node.css'

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
  const [draft, setDraft] = useState<EditDraft>(emptyDraft)
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
      <Tabs />
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

interface NodeBarProps {
  nodeId: string
  nodes: readonly NodeSummary[]
  summary: NodeSummary | undefined
  heardAt: number
}

/** Which node, whether it is heard, and what can be done to it. */
function NodeBar({ nodeId, nodes, summary, heardAt }: NodeBarProps) {
  const refusal = useRefusal('operator')
  const navigate = useNavigate({ from: '/node' })
  const options = nodes.map(({ node_id, is_local, presence, region }) => ({
    value: node_id,
    label: [node_id, region, presence, is_local ? 'this gateway' : ''].filter(Boolean).join(' · '),
  }))
  if (!summary) options.unshift({ value: nodeId, label: `${nodeId} · not known` })
  return (
    <div className="toolbar node-bar">
      <Choice
        label="Node"
        value={nodeId}
        options={options}
        onChange={(value) =>
          void navigate({
            search: ({ rollout: _rollout, operation: _operation, ...rest }) => ({
              ...rest,
              node: value,
            }),
          })
        }
      />
      {summary && (
        <span className="node-presence">
          <State of={summary.presence} title="on NATS" />{' '}
          <Age at={heardAt} ageMs={summary.age_ms} staleAfterMs={2 * everyMs.nodes} /> agent{' '}
          <State of={summary.agent_state} />
        </span>
      )}
      <Restart nodeId={nodeId} />
      {refusal !== undefined && <span className="hint">{refusal}</span>}
    </div>
  )
}

function Tabs() {
  return (
    <div className="node-tabs" role="navigation" aria-label="Parts of the node">
      {tabs.map(({ id, title }) => (
        <Link
          key={id}
          from="/node"
          to="/node"
          search={({ tab: _tab, ...rest }) => (id === 'overview' ? rest : { ...rest, tab: id })}
          activeOptions={{ exact: true }}
        >
          {title}
        </Link>
      ))}
    </div>
  )
}

/** The one that was asked for here, or else one that somebody else began. */
function CurrentOperation({ nodeId }: { nodeId: string }) {
  const { operation, rollout } = useSearch({ from: '/node' })
  const navigate = useNavigate({ from: '/node' })
  const { data } = useQuery({
    queryKey: ['operations', nodeId],
    queryFn: () => gateway.operations(nodeId),
    refetchInterval: 3000,
  })
  // The steps of a rollout stand in it.
  const running = data?.operations.find(
    ({ state, kind }) => state === 'running' && (kind !== 'apply' || rollout === undefined),
  )
  const shown = operation ?? running?.id
  if (shown === undefined) return null
  const shownKind = data?.operations.find(({ id }) => id === shown)?.kind
  const close = () =>
    void navigate({
      search: ({ operation: _operation, ...rest }) => rest,
      replace: true,
      resetScroll: false,
    })
  return (
    <OperationProgress
      key={shown}
      id={shown}
      whenEnded={
        <>
          {shownKind === 'restore' && <RollBack nodeId={nodeId} />}
          <button type="button" className="quiet" onClick={close}>
            Close
          </button>
        </>
      }
    />
  )
}
