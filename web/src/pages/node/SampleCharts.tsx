import type { NodeSampled } from '@corroport/contracts'
import { Chart } from '../../components/Chart.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { Twin } from '../../components/Twin.tsx'
import { timeColumn } from '../../components/time-column.tsx'
import { plot, type SampleChart, sampleCharts } from './samples.ts'

/** The charts, and under each its last figures. */
export function SampleCharts({ samples }: { samples: readonly NodeSampled[] }) {
  const last = samples.at(-1)
  return (
    <>
      <p className="aside">
        n={samples.length}, the last one at {last && <Time at={last.at} />}
      </p>
      <div className="node-charts">
        {sampleCharts.map((chart) => (
          <SampleFigureChart key={chart.id} chart={chart} samples={samples} />
        ))}
      </div>
    </>
  )
}

interface SampleFigureChartProps {
  chart: SampleChart
  samples: readonly NodeSampled[]
}

function SampleFigureChart({ chart, samples }: SampleFigureChartProps) {
  const { id, title, format, increments, figures } = chart
  const { x, series } = plot(samples, figures)
  const last = samples.at(-1)
  const lastFigures = figures.map(({ label, of }) => {
    const value = last && of(last)
    return `${label} ${value === null || value === undefined ? 'not known' : format(value)}`
  })
  return (
    <div>
      <h3>{title}</h3>
      <p className="aside">Last: {lastFigures.join(', ')}</p>
      <Twin
        id={id}
        picture={
          <Chart
            label={`${title} over the time range. Last: ${lastFigures.join(', ')}`}
            axis="time"
            x={x}
            series={series}
            formatY={format}
            incrementsY={increments}
            height={160}
          />
        }
        table={
          <Table
            caption={title}
            file={`samples-${id}`}
            rows={samples}
            keyOf={({ at }) => at}
            empty="No sample."
            sortBy={{ column: 'at', isDescending: true }}
            columns={columnsOf(chart)}
          />
        }
      />
    </div>
  )
}

function columnsOf({ figures, format }: SampleChart): Column<NodeSampled>[] {
  return [
    timeColumn('at', 'At', ({ at }) => at),
    ...figures.map(({ label, of }) =>
      figureColumn(label, label, of, (value) => (value === null ? 'not known' : format(value))),
    ),
  ]
}
