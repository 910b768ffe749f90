import type { Experiment, ReceiverFigures, TransportFigures } from '@corroport/contracts'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { drawnText } from './acks.ts'
import { Coverage } from './Coverage.tsx'
import { acksQuery, pairsQuery } from './queries.ts'
import { ReceiptPattern } from './ReceiptPattern.tsx'
import { ReceiverTable } from './ReceiverTable.tsx'

interface ReceiversProps {
  experiment: Experiment
  figures: TransportFigures
  /** As `versionOf` gives it. */
  version: string
  /** Acknowledgements over all transports. */
  total: number
  isFinal: boolean
}

/** Who got what and when: per node, per region, per pair, and how many had it after what time. */
export function Receivers(props: ReceiversProps) {
  const { experiment, figures, version, isFinal } = props
  const { transport, receivers, regions, coverage } = figures
  const file = `${experiment.id}-${transport}`
  return (
    <>
      <h3>Receivers over {transport}</h3>
      <ReceiverTable
        caption={`Receivers over ${transport}`}
        rows={receivers}
        file={file}
        isFinal={isFinal}
      />
      <h3>When each node's acknowledgements arrived</h3>
      <Pattern {...props} />
      <h3>Time to k of n receivers</h3>
      <Coverage coverage={coverage} file={`${file}-coverage`} />
      {regions.length > 1 && (
        <>
          <h3>Regions of the receivers</h3>
          <ReceiverTable
            caption="Regions"
            rows={regions}
            file={`${file}-regions`}
            isFinal={isFinal}
          />
        </>
      )}
      <h3>Pairs of origin and receiver</h3>
      <Pairs
        id={experiment.id}
        transport={transport}
        version={version}
        file={`${file}-pairs`}
        isFinal={isFinal}
      />
    </>
  )
}

function Pattern({ experiment: { id }, figures: { transport }, version, total }: ReceiversProps) {
  const { data, error, refetch } = useQuery(acksQuery(id, version, total))
  if (error !== null && data === undefined) {
    return <ErrorNote error={error} what="the acknowledgements" onRetry={() => void refetch()} />
  }
  if (data === undefined) {
    return (
      <p className="loading" aria-busy="true">
        Loading the acknowledgements …
      </p>
    )
  }
  const own = data.points.filter((point) => point.transport === transport)
  return (
    <>
      <ReceiptPattern points={own} file={`${id}-${transport}-arrivals`} />
      <p className="hint">{drawnText(data, total)}</p>
    </>
  )
}

interface PairsProps {
  id: string
  transport: string
  version: string
  file: string
  isFinal: boolean
}

function Pairs({ id, transport, version, file, isFinal }: PairsProps) {
  const query = useInfiniteQuery(pairsQuery(id, version))
  const { data, error, hasNextPage, isFetching, fetchNextPage, refetch } = query
  if (error !== null && data === undefined) {
    return <ErrorNote error={error} what="the pairs" onRetry={() => void refetch()} />
  }
  if (data === undefined) {
    return (
      <p className="loading" aria-busy="true">
        Loading the pairs …
      </p>
    )
  }
  const all: Static<typeof ReceiverFigures>[] = data.pages.flatMap(({ pairs }) => pairs)
  const own = all.filter((pair) => pair.transport === transport)
  if (own.length === 0 && !hasNextPage) return <Empty>No pair has acknowledged anything.</Empty>
  return (
    <>
      <ReceiverTable
        caption="Pairs of origin and receiver"
        rows={own}
        file={file}
        isFinal={isFinal}
      />
      {error !== null && (
        <ErrorNote error={error} what="more pairs" onRetry={() => void fetchNextPage()} />
      )}
      {hasNextPage && (
        <button type="button" onClick={() => void fetchNextPage()} aria-busy={isFetching}>
          More pairs ({own.length} shown)
        </button>
      )}
    </>
  )
}
