import type { Experiment, TransportFigures } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Answer, AnswerAge } from '../../components/Answer.tsx'
import { Empty } from '../../components/Notice.tsx'
import { type AckPoint, drawnText } from './acks.ts'
import { acksPace, acksQuery } from './queries.ts'

/** An experiment over one of its transports. */
export interface Measured {
  experiment: Experiment
  figures: TransportFigures
  /** As `versionOf` gives it. */
  version: string
  /** Acknowledgements over all transports. */
  total: number
  isFinal: boolean
}

interface AcknowledgementsProps {
  of: Measured
  children: (acks: readonly AckPoint[]) => ReactNode
}

/** Each acknowledgement over a transport, once they are read, and how many of them that are. */
export function Acknowledgements({ of, children }: AcknowledgementsProps) {
  const { experiment, figures, version, total } = of
  const query = useQuery(acksQuery(experiment.id, version, total))
  return (
    <Answer query={query} what="the acknowledgements">
      {(acks) => {
        const own = acks.points.filter(({ transport }) => transport === figures.transport)
        const everyMs = acksPace(version, acks)
        return (
          <>
            {own.length === 0 ? (
              <Empty>No acknowledgement over {figures.transport} arrived.</Empty>
            ) : (
              children(own)
            )}
            <p className="hint">
              {drawnText(acks, figures.transport, total)} Read{' '}
              <AnswerAge query={query} everyMs={everyMs === false ? undefined : everyMs} />.
            </p>
          </>
        )
      }}
    </Answer>
  )
}
