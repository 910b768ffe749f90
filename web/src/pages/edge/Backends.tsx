import type { EdgeBackend } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Badge } from '../../components/Badge.tsx'
import { FilterField } from '../../components/FilterField.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { given } from '../../search.ts'
import { BackendActions } from './BackendActions.tsx'
import { leaseText, limitText } from './edge-text.ts'

const everyMs = 2000
const most = 1000

/** The backends as one point of presence knows them, and what an operator does to them. */
export function Backends({ pop }: { pop: string }) {
  const { app } = useSearch({ from: '/edge' })
  const navigate = useNavigate({ from: '/edge' })
  const queryKey = ['edge-backends', pop, app]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.edgeBackends(pop, { app, limit: most }),
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ topics: ['edge'] }, queryKey, ({ name }) => name === 'hint.backend')
  return (
    <DataPanel
      title={`Backends, as ${pop} sees them`}
      className="wide"
      query={query}
      what="the backends"
      everyMs={everyMs}
    >
      {({ backends, total, setAside }) => (
        <>
          <div className="toolbar">
            <FilterField
              label="App"
              value={app ?? ''}
              onFilter={(value) =>
                void navigate({
                  search: ({ app: _app, ...rest }) => ({
                    ...rest,
                    ...given({ app: value === '' ? undefined : value }),
                  }),
                  replace: true,
                  resetScroll: false,
                })
              }
            />
          </div>
          <Table
            caption={`Backends of ${pop}`}
            columns={columns}
            rows={backends}
            keyOf={({ id }) => id}
            empty={
              <>
                {app === undefined ? 'There is no backend yet.' : `No backend is of ${app}.`} One is
                registered by its own program, or named by hand:{' '}
                <code>npx corroport edge add --help</code>
              </>
            }
            file={`backends-${pop}`}
          />
          {total > backends.length && (
            <p className="hint">
              The first {backends.length} of {total}, by id: choose an app to see others.
            </p>
          )}
          {setAside.length > 0 && (
            <details>
              <summary>
                {setAside.length} {setAside.length === 1 ? 'row is' : 'rows are'} set aside
              </summary>
              <ul>
                {setAside.map(({ id, reason }) => (
                  <li key={id}>
                    <code>{id}</code>: {reason}
                  </li>
                ))}
              </ul>
            </details>
          )}
        </>
      )}
    </DataPanel>
  )
}

const columns: readonly Column<EdgeBackend>[] = [
  textColumn('id', 'Backend', ({ id }) => id),
  {
    id: 'state',
    title: 'State',
    value: ({ refusal }) => refusal ?? 'takes connections',
    cell: ({ refusal }) =>
      refusal === null ? (
        <Badge tone="good">takes connections</Badge>
      ) : (
        <Badge tone="bad">{refusal}</Badge>
      ),
  },
  {
    id: 'act',
    title: '',
    cell: (backend) => <BackendActions backend={backend} />,
  },
  textColumn('app', 'App', ({ app }) => app),
  textColumn('region', 'Region', ({ region }) => region),
  textColumn('country', 'Country', ({ country }) => country ?? '–'),
  textColumn('address', 'Address', ({ ip, port }) => `${ip}:${port}`),
  {
    ...figureColumn<EdgeBackend, number>(
      'connections',
      'Open',
      ({ connections }) => connections,
      String,
    ),
    cell: ({ connections, hard_limit }) => limitText(connections, hard_limit),
  },
  figureColumn('soft_limit', 'Soft limit', ({ soft_limit }) => soft_limit, String),
  figureColumn('weight', 'Weight', ({ weight }) => weight, String),
  textColumn('lease', 'Lease', leaseText),
  textColumn('owner', 'Written by', ({ owner }) => owner ?? 'an operator'),
]
