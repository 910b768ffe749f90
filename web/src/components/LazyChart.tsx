import { lazy, Suspense } from 'react'
import type { ChartProps } from './Chart.tsx'

const Loaded = lazy(async () => ({ default: (await import('./Chart.tsx')).Chart }))

/** A chart on a page that is useful without it: its library comes with the first one shown. */
export function LazyChart(props: ChartProps) {
  return (
    <Suspense fallback={<p className="loading">Loading the chart …</p>}>
      <Loaded {...props} />
    </Suspense>
  )
}
