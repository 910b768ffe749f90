import type { BuildReply, BuildSummary } from '@corroport/contracts'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { State } from '../../components/Badge.tsx'
import { Confirm } from '../../components/Confirm.tsx'
import { Figures } from '../../components/Figures.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { toast } from '../../components/toasts.ts'
import { formatBytes } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { isOpen, spentText } from './build-text.ts'
import { Log } from './Log.tsx'

const everyMs = 5000

/** One build: what happened to it, what it prints, and what an operator does to it. */
export function BuildDetail({ id }: { id: string }) {
  const queryKey = ['build', id]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.build(id),
    refetchInterval: everyMs,
  })
  useRefetchOn({ topics: ['builds'] }, queryKey, ({ subject }) => subject.endsWith(`.${id}`))
  return (
    <DataPanel
      title={`Build ${id}`}
      className="wide"
      query={query}
      what={`build ${id}`}
      everyMs={everyMs}
    >
      {({ build, events }) =>
        build && (
          <>
            <Figures
              of={[
                { label: 'Status', value: <State of={build.status} />, note: build.reason ?? '' },
                { label: 'Time', value: spentText(build) },
                { label: 'Worker', value: build.workerName ?? 'none' },
                { label: 'Source', value: formatBytes(build.sourceBytes) },
                {
                  label: 'Result',
                  value: build.resultBytes === null ? 'none' : formatBytes(build.resultBytes),
                },
              ]}
            />
            <Actions build={build} />
            <h3>What happened</h3>
            <Table
              caption={`What happened to build ${id}`}
              columns={columns}
              rows={events}
              keyOf={({ kind, at }) => `${kind} ${at}`}
              empty="Nothing is kept of it."
            />
            <h3>Log</h3>
            <Log key={id} id={id} />
          </>
        )
      }
    </DataPanel>
  )
}

const columns: readonly Column<BuildReply['events'][number]>[] = [
  timeColumn('at', 'At', ({ at }) => at),
  textColumn('kind', 'What', ({ kind }) => kind.replace('build.', '')),
  textColumn('worker', 'Worker', ({ workerId }) => workerId ?? '–'),
  textColumn('reason', 'Why', ({ reason }) => reason ?? ''),
]

function Actions({ build }: { build: BuildSummary }) {
  const { id } = build
  const queries = useQueryClient()
  const navigate = useNavigate({ from: '/builds' })
  const refusal = useRefusal('operator')
  const [isAsking, setAsking] = useState(false)
  const shown = async () => {
    await queries.invalidateQueries({ queryKey: ['build', id] })
    await queries.invalidateQueries({ queryKey: ['builds'] })
  }
  const retry = async (): Promise<void> => {
    try {
      const made = await gateway.steerBuild(id, 'retry')
      toast('good', `build ${made.id} waits`)
      await navigate({ search: (old) => ({ ...old, build: made.id }), resetScroll: false })
    } catch (error) {
      toast('bad', `${id} was not submitted again: ${messageOf(error)}`)
    }
  }
  const cancel = async (): Promise<void> => {
    await gateway.steerBuild(id, 'cancel')
    toast('good', `build ${id} is cancelled`)
    await shown()
  }
  return (
    <p>
      {isOpen(build) ? (
        <button
          type="button"
          disabled={refusal !== undefined}
          title={refusal}
          onClick={() => setAsking(true)}
        >
          Cancel …
        </button>
      ) : (
        <button
          type="button"
          disabled={refusal !== undefined}
          title={refusal ?? 'Another build of the same source'}
          onClick={() => void retry()}
        >
          Build again
        </button>
      )}
      {isAsking && (
        <Confirm
          title={`Cancel build ${id}`}
          action="Cancel the build"
          isDangerous
          onConfirm={cancel}
          onClose={() => setAsking(false)}
        >
          <p>
            Its worker hears so with its next sign of life, and gives up. It can be built again from
            the same source.
          </p>
        </Confirm>
      )}
    </p>
  )
}
