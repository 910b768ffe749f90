import { State } from '../../components/Badge.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { CorrosionPlane } from './CorrosionPlane.tsx'
import { statusEveryMs, useClusterStatus } from './cluster-status.ts'
import { NatsPlane } from './NatsPlane.tsx'
import { PostgresPlane } from './PostgresPlane.tsx'
import { Replication } from './Replication.tsx'

/** The three planes, which fail independently, as the node of this gateway sees them. */
export function StatusVector() {
  const query = useClusterStatus()
  return (
    <DataPanel title="Planes" what="the status" query={query} everyMs={statusEveryMs}>
      {({ node, overall, planes, replication }) => (
        <>
          <p>
            As <strong>{node.id}</strong> sees them: <State of={overall} />
          </p>
          <div className="cluster-planes">
            <CorrosionPlane of={planes.corrosion} at={query.dataUpdatedAt} />
            <NatsPlane of={planes.nats} at={query.dataUpdatedAt} />
            <PostgresPlane of={planes.postgres} at={query.dataUpdatedAt} />
          </div>
          <Replication of={replication} />
        </>
      )}
    </DataPanel>
  )
}
