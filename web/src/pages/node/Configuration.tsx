import type { ConfigChange, ConfigFile, ConfigReply } from '@corroport/contracts'
import type { UseQueryResult } from '@tanstack/react-query'
import { Badge, State } from '../../components/Badge.tsx'
import { Copy } from '../../components/Copy.tsx'
import { Figures } from '../../components/Figures.tsx'
import { Empty } from '../../components/Notice.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Time } from '../../components/Time.tsx'
import { formatBytes } from '../../format/number.ts'
import { configEveryMs } from './config-query.ts'
import { Diff } from './Diff.tsx'
import { RestoreCanonical, RollBack } from './ReturnButtons.tsx'

interface ConfigurationProps {
  nodeId: string
  query: UseQueryResult<ConfigReply>
}

/** The file that an agent runs from, and who changed it. */
export function Configuration({ nodeId, query }: ConfigurationProps) {
  return (
    <>
      <DataPanel
        className="node-facts"
        title={`File of the agent of ${nodeId}`}
        what="the file"
        query={query}
        everyMs={configEveryMs}
        actions={
          query.data && (
            <RestoreCanonical
              nodeId={nodeId}
              canonicalPath={query.data.file.canonical?.path ?? null}
            />
          )
        }
      >
        {({ file }) => <File of={file} />}
      </DataPanel>
      <DataPanel
        title="Changes of it"
        what="the changes"
        query={query}
        everyMs={configEveryMs}
        actions={
          query.data?.changes.some(({ state }) => state === 'applied') && (
            <RollBack nodeId={nodeId} />
          )
        }
      >
        {({ changes }) =>
          changes.length === 0 ? (
            <Empty>Nobody changed the file through CorroPort yet; a change is planned first.</Empty>
          ) : (
            changes.map((change) => <Change key={change.id} of={change} />)
          )
        }
      </DataPanel>
    </>
  )
}

function File({ of }: { of: ConfigFile }) {
  const { path, text, size_bytes, modified_at, sha256, canonical, gossip_address, bootstrap } = of
  return (
    <>
      <Figures
        of={[
          { label: 'path', value: <span className="mono">{path}</span> },
          { label: 'size', value: formatBytes(size_bytes) },
          { label: 'modified', value: <Time at={modified_at} withDate /> },
          { label: 'gossip address', value: gossip_address },
          {
            label: 'bootstrap list',
            value: bootstrap.length === 0 ? 'empty' : bootstrap.join(', '),
          },
          {
            label: 'canonical file',
            value: canonical === null ? 'none is configured' : <Canonical of={canonical} />,
            note: canonical?.path,
          },
          { label: 'SHA-256', value: <span className="mono">{sha256.slice(0, 16)}…</span> },
        ]}
      />
      <div className="toolbar">
        <h3>Text, secrets masked</h3>
        <Copy text={text} label="Copy the text" />
      </div>
      <pre className="node-file" tabIndex={0} role="region" aria-label="Text of the file">
        {text}
      </pre>
    </>
  )
}

function Canonical({ of: { differs } }: { of: NonNullable<ConfigFile['canonical']> }) {
  return differs ? <Badge tone="warn">differs</Badge> : <Badge tone="good">the same</Badge>
}

function Change({ of }: { of: ConfigChange }) {
  const { action, by, state, at, reason, diff, rollout_id, backup, finished_at } = of
  return (
    <details className="node-change">
      <summary>
        <Time at={at} withDate /> {action} by {by} <State of={state} />
      </summary>
      {reason !== null && <p className="note warn">{reason}</p>}
      <p className="aside">
        {finished_at !== null && (
          <>
            ended <Time at={finished_at} />{' '}
          </>
        )}
        {rollout_id !== null && <>rollout {rollout_id} </>}
        {backup !== null && <>the file of before is {backup}</>}
      </p>
      {diff === '' ? (
        <Empty>The text did not change.</Empty>
      ) : (
        <Diff of={diff} label={`Diff of ${at}`} />
      )}
    </details>
  )
}
