import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { BuildDetail } from './BuildDetail.tsx'
import { BuildList } from './BuildList.tsx'
import { Controllers } from './Controllers.tsx'
import { Throughput } from './Throughput.tsx'
import { Workers } from './Workers.tsx'

const everyMs = 2000

/** The queue of distributed builds: what waits, who builds, what was built. */
export function BuildsPage() {
  const { build } = useSearch({ from: '/builds' })
  const query = useQuery({
    queryKey: ['build-controllers'],
    queryFn: gateway.buildControllers,
    refetchInterval: everyMs,
  })
  const isThere = query.data?.controllers.some(({ presence }) => presence === 'present') ?? false
  return (
    <>
      <h1>Builds</h1>
      <div className="panels">
        <DataPanel
          title="Queue"
          className="wide"
          query={query}
          what="the build controllers"
          everyMs={everyMs}
        >
          {({ controllers }) => <Controllers controllers={controllers} />}
        </DataPanel>
        {isThere && (
          <>
            <BuildList chosen={build} />
            {build !== undefined && <BuildDetail id={build} />}
            <Workers />
            <Throughput />
          </>
        )}
      </div>
    </>
  )
}
