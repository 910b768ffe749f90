import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { Backends } from './Backends.tsx'
import { Decisions } from './Decisions.tsx'
import { PopTable } from './PopTable.tsx'
import { Why } from './Why.tsx'

const everyMs = 2000
const queryKey = ['edges']

/** Points of presence: where clients are sent, and why. */
export function EdgePage() {
  const { pop } = useSearch({ from: '/edge' })
  const query = useQuery({ queryKey, queryFn: gateway.edges, refetchInterval: everyMs })
  useRefetchOn({ topics: ['edge'] }, queryKey, ({ name }) => name === 'hint.backend')
  const edges = query.data?.edges ?? []
  const chosen = pop ?? (edges.find(({ presence }) => presence === 'present') ?? edges[0])?.nodeId
  return (
    <>
      <h1>Edge</h1>
      <div className="panels">
        <DataPanel
          title="Points of presence"
          className="wide"
          query={query}
          what="the points of presence"
          everyMs={everyMs}
        >
          {(reply) => <PopTable edges={reply.edges} chosen={chosen} />}
        </DataPanel>
        {chosen !== undefined && (
          <>
            <Backends pop={chosen} />
            <Why pop={chosen} />
            <Decisions pop={chosen} />
          </>
        )}
      </div>
    </>
  )
}
