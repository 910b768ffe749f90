import type { ReceiverFigures } from '@corroport/contracts'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import { Answer } from '../../components/Answer.tsx'
import { Empty } from '../../components/Notice.tsx'
import { Acknowledgements, type Measured } from './Acknowledgements.tsx'
import { Coverage } from './Coverage.tsx'
import { pairsQuery } from './queries.ts'
import { ReceiptPattern } from './ReceiptPattern.tsx'
import { ReceiverTable } from './ReceiverTable.tsx'

/** Who got what and when: per node, per region, per pair, and how many had it after what time. */
export function Receivers({ of }: { of: Measured }) {
  const { experiment, figures, isFinal } = of
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
      <Acknowledgements of={of}>
        {(points) => <ReceiptPattern points={points} file={`${file}-arrivals`} />}
      </Acknowledgements>
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
      <Pairs of={of} file={`${file}-pairs`} />
    </>
  )
}

function Pairs({ of, file }: { of: Measured; file: string }) {
  const { experiment, figures, version, isFinal } = of
  const query = useInfiniteQuery(pairsQuery(experiment.id, version))
  const { hasNextPage, isFetching, fetchNextPage } = query
  return (
    <Answer query={query} what="the pairs">
      {({ pages }) => {
        const all: Static<typeof ReceiverFigures>[] = pages.flatMap(({ pairs }) => pairs)
        const own = all.filter(({ transport }) => transport === figures.transport)
        if (own.length === 0 && !hasNextPage) {
          return <Empty>No pair has acknowledged anything.</Empty>
        }
        return (
          <>
            <ReceiverTable
              caption="Pairs of origin and receiver"
              rows={own}
              file={file}
              isFinal={isFinal}
            />
            {hasNextPage && (
              <button type="button" onClick={() => void fetchNextPage()} aria-busy={isFetching}>
                More pairs ({own.length} shown)
              </button>
            )}
          </>
        )
      }}
    </Answer>
  )
}
