import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useDeferredValue, useReducer, useState } from 'react'
import { gatewayNow } from '../../api/gateway-clock.ts'
import { everyMs, nodesQuery } from '../../api/queries.ts'
import { Empty, ErrorNote } from '../../components/Notice.tsx'
import { DataPanel, Panel } from '../../components/Panel.tsx'
import { Twin } from '../../components/Twin.tsx'
import type { Arc } from '../../map/arc.ts'
import { without } from '../../search.ts'
import { useTimeRange } from '../../shell/time-range.ts'
import { ResetTracking } from '../messages/ResetTracking.tsx'
import { SendForm } from '../messages/SendForm.tsx'
import { addArcs } from './arcs.ts'
import { JourneyFigures } from './JourneyFigures.tsx'
import { type Journey, type JourneyEvent, missingOf, namesOf } from './journey.ts'
import { Legend } from './Legend.tsx'
import { LinkTable } from './LinkTable.tsx'
import { linksOf } from './links.ts'
import { PointTable } from './PointTable.tsx'
import { type MapPoint, pointsOf } from './points.ts'
import { Replay } from './Replay.tsx'
import type { Step } from './replay.ts'
import { useJourneys } from './useJourneys.ts'
import './propagation.css'

const WorldMap = lazy(() => import('../../map/WorldMap.tsx').then((m) => ({ default: m.WorldMap })))

export function PropagationPage() {
  const { message, at } = useSearch({ from: '/' })
  const navigate = useNavigate({ from: '/' })
  const { until } = useTimeRange()
  const nodes = useQuery(nodesQuery)
  const [arcs] = useState<Arc[]>([])
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const [replayed, setReplayed] = useState<{ journey: Journey | undefined }>()
  const isReplay = at !== undefined

  const draw = (events: readonly JourneyEvent[]): void => {
    const moves = events.flatMap(({ name, payload }) =>
      name === 'ack.received' ? { from: payload.ackNodeId, to: payload.nodeId } : [],
    )
    if (moves.length === 0) return
    addArcs(arcs, moves, performance.now())
    redraw()
  }
  const watched = useJourneys(message, (events) => {
    if (!isReplay) draw(events)
  })
  const journey = isReplay ? replayed?.journey : watched.journey
  // Hundreds of rows may wait until the map was painted.
  const linked = useDeferredValue(journey)
  const regions = new Map(nodes.data?.nodes.map(({ node_id, region }) => [node_id, region]))
  const showStep = (shown: Journey | undefined, steps: Step[]): void => {
    setReplayed({ journey: shown })
    draw(steps.map(({ event }) => event))
  }

  return (
    <>
      <h1>Propagation</h1>
      <div className="toolbar">
        <ResetTracking />
        {!isReplay && (
          <button
            type="button"
            onClick={() => {
              setReplayed(undefined)
              void navigate({
                search: (old) => ({ ...old, at: until ?? new Date(gatewayNow()).toISOString() }),
              })
            }}
          >
            Replay the past minutes
          </button>
        )}
        {message !== undefined && (
          <button
            type="button"
            onClick={() => void navigate({ search: (old) => without(old, 'message') })}
          >
            Follow the latest
          </button>
        )}
      </div>
      <div className="propagation">
        <DataPanel
          title={isReplay ? 'As it was' : 'As it happens'}
          what="the nodes"
          query={nodes}
          everyMs={everyMs.nodes}
        >
          {(reply) => {
            const points = pointsOf(reply.nodes, journey)
            return (
              <>
                <Twin
                  id="map"
                  picture={
                    <Suspense fallback={<p className="loading">Loading the map …</p>}>
                      <WorldMap label={describe(points, journey)} nodes={points} arcs={arcs} />
                      <Legend />
                    </Suspense>
                  }
                  table={<PointTable points={points} />}
                />
                {at !== undefined && <Replay at={Date.parse(at)} onShow={showStep} />}
              </>
            )
          }}
        </DataPanel>
        <div>
          <Panel title={message === undefined || isReplay ? 'Latest message' : 'Chosen message'}>
            {watched.error !== null && !isReplay && (
              <ErrorNote error={watched.error} what="the message" onRetry={watched.askAgain} />
            )}
            {watched.isLoading && !isReplay && (
              <p className="loading">Loading the latest message …</p>
            )}
            {journey && <JourneyFigures journey={journey} />}
            {isReplay && replayed && !journey && (
              <Empty>No message was under way at this moment.</Empty>
            )}
            {!isReplay && !journey && watched.error === null && !watched.isLoading && (
              <Empty>No message was sent yet. Send one: it is followed to every node.</Empty>
            )}
          </Panel>
          <Panel title="Send a message">
            <SendForm onSent={() => void navigate({ search: (old) => without(old, 'message') })} />
          </Panel>
        </div>
      </div>
      {linked && (
        <Panel title="Round trips and physical floors">
          <LinkTable rows={linksOf(linked, (id) => regions.get(id) ?? null)} />
        </Panel>
      )}
    </>
  )
}

function describe(points: readonly MapPoint[], journey: Journey | undefined): string {
  if (!journey) return `Map of ${points.length} nodes`
  const missing = missingOf(journey)
  return `Map of ${points.length} nodes; the message of ${journey.origin} is acknowledged by ${journey.acks.length} of ${journey.expected.length}${missing.length > 0 ? `, not by ${namesOf(missing)}` : ''}`
}
