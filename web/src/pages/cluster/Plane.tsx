import type { ClusterStatus } from '@corroport/contracts'
import type { ReactNode } from 'react'
import { Age } from '../../components/Age.tsx'
import { State } from '../../components/Badge.tsx'
import { type Figure, Figures } from '../../components/Figures.tsx'

export type Planes = ClusterStatus['planes']

export interface PlaneOf<Name extends keyof Planes> {
  of: Planes[Name]
  /** When it came. Unix milliseconds. */
  at: number
}

// Each source is looked at every two seconds; after twice that the gateway calls it unknown.
export const staleAfterMs = 5000

interface PlaneProps {
  name: string
  part: Pick<Planes['nats'], 'state' | 'age_ms' | 'error'>
  at: number
  figures: readonly Figure[]
  children?: ReactNode
}

/** One plane: how it does, since when that is known, and its figures. */
export function Plane({ name, part: { state, age_ms, error }, at, figures, children }: PlaneProps) {
  return (
    <section className="cluster-plane" aria-label={name}>
      <h3>
        {name} <State of={state === 'none' ? 'not configured' : state} />{' '}
        {state !== 'none' && <Age at={at} ageMs={age_ms} staleAfterMs={staleAfterMs} />}
      </h3>
      {error !== null && <p className="note bad">{error}</p>}
      {state !== 'none' && <Figures of={figures} />}
      {children}
    </section>
  )
}
