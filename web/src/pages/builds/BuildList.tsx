import { type BuildSummary, buildStatuses } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { given, readChoice } from '../../search.ts'
import { spentText } from './build-text.ts'

const everyMs = 5000
const most = 200

/** The newest builds. */
export function BuildList({ chosen }: { chosen: string | undefined }) {
  const { status, platform } = useSearch({ from: '/builds' })
  const navigate = useNavigate({ from: '/builds' })
  const queryKey = ['builds', status, platform]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.builds({ status, platform, limit: most }),
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ topics: ['builds'] }, queryKey, ({ name }) => name.startsWith('build.'))
  return (
    <DataPanel
      title="Builds, newest first"
      className="wide"
      query={query}
      what="the builds"
      everyMs={everyMs}
    >
      {({ builds, counts }) => (
        <>
          <div className="toolbar">
            <label>
              Status
              <select
                value={status ?? ''}
                onChange={({ target }) =>
                  void navigate({
                    search: ({ status: _status, ...rest }) => ({
                      ...rest,
                      ...given({ status: readChoice(target.value, buildStatuses) }),
                    }),
                    replace: true,
                    resetScroll: false,
                  })
                }
              >
                <option value="">any ({formatCount(counts.total)})</option>
                {buildStatuses.map((each) => (
                  <option key={each} value={each}>
                    {each} ({formatCount(counts[each])})
                  </option>
                ))}
              </select>
            </label>
            <label>
              Platform
              <select
                value={platform ?? ''}
                onChange={({ target }) =>
                  void navigate({
                    search: ({ platform: _platform, ...rest }) => ({
                      ...rest,
                      ...given({ platform: readChoice(target.value, ['ios', 'android']) }),
                    }),
                    replace: true,
                    resetScroll: false,
                  })
                }
              >
                <option value="">any</option>
                <option value="ios">ios</option>
                <option value="android">android</option>
              </select>
            </label>
          </div>
          <Table
            caption="Builds"
            columns={columns}
            rows={builds}
            keyOf={({ id }) => id}
            isMarked={({ id }) => id === chosen}
            empty={
              <>
                There is no such build. One is submitted with{' '}
                <code>npx corroport builds submit --help</code>
              </>
            }
            file="builds"
          />
          {builds.length === most && (
            <p className="hint">The newest {most}: choose a status to see others.</p>
          )}
        </>
      )}
    </DataPanel>
  )
}

const columns: readonly Column<BuildSummary>[] = [
  {
    id: 'id',
    title: 'Build',
    value: ({ id }) => id,
    cell: ({ id }) => (
      <Link to="/builds" search={(old) => ({ ...old, build: id })} replace resetScroll={false}>
        {id}
      </Link>
    ),
  },
  {
    id: 'status',
    title: 'Status',
    value: ({ status }) => status,
    cell: ({ status }) => <State of={status} />,
  },
  textColumn('platform', 'Platform', ({ platform, labels }) => [platform, ...labels].join(' ')),
  timeColumn('submitted', 'Submitted', ({ submittedAt }) => submittedAt),
  textColumn('spent', 'Time', spentText),
  textColumn('worker', 'Worker', ({ workerName }) => workerName ?? '–'),
  figureColumn('attempt', 'Attempt', ({ attempt }) => attempt, String),
  figureColumn('log', 'Lines of log', ({ logLines }) => logLines, formatCount),
  textColumn('reason', 'Why', ({ reason }) => reason?.slice(0, 200) ?? ''),
]
