import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatTime } from '../format/time.ts'
import { usePreferences } from '../shell/preferences.ts'

export interface Series {
  label: string
  /** One for each x; null where there is none. */
  values: readonly (number | null)[]
}

export interface ChartProps {
  /** What is to be seen, in a sentence, for those who cannot. */
  label: string
  /** Ascending; of a time axis Unix seconds. */
  x: readonly number[]
  series: readonly Series[]
  axis: 'time' | 'number'
  /** Of the values of x, where the axis is of numbers. */
  formatX?: (value: number) => string
  formatY: (value: number) => string
  /** What may lie between two ticks, ascending; decimal ones if not given. The same array each time. */
  incrementsY?: readonly number[] | undefined
  height?: number
  kind?: 'line' | 'bars' | 'points'
  /** Places of the two series between which it is filled. */
  band?: readonly [upper: number, lower: number]
}

const colours = [1, 2, 3, 4, 5, 6].map((number) => `--series-${number}`)

/** Lines, points or bars over one axis. The buttons below show one series alone, or all again. */
export function Chart(props: ChartProps) {
  const { label, x, series, axis, formatX = String, formatY, height = 220, kind = 'line' } = props
  const { incrementsY } = props
  const [upper, lower] = props.band ?? []
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const { zone, theme } = usePreferences()
  const [alone, setAlone] = useState<string>()
  const names = JSON.stringify(series.map((each) => each.label))

  // Made anew when its form changes; new figures are set below.
  useEffect(() => {
    const element = box.current
    if (!element) return undefined
    const style = getComputedStyle(element)
    const colourOf = (name: string) => resolveColour(element, style.getPropertyValue(name))
    const labels = JSON.parse(names) as string[]
    const time = (seconds: number) =>
      formatTime(seconds * 1000, zone, { withDate: false, withMilliseconds: false })
    const axisStyle = {
      stroke: colourOf('--faint'),
      grid: { stroke: colourOf('--line'), width: 1 },
      ticks: { stroke: colourOf('--line'), width: 1 },
      font: `12px ${style.fontFamily}`,
    }
    const made = new uPlot(
      {
        width: element.clientWidth || 300,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: axis === 'time' } },
        ...(upper === undefined || lower === undefined
          ? {}
          : { bands: [{ series: [upper + 1, lower + 1], fill: `${colourOf('--accent')}33` }] }),
        axes: [
          {
            ...axisStyle,
            values: (_plot, values) => values.map(axis === 'time' ? time : formatX),
          },
          {
            ...axisStyle,
            size: 70,
            ...(incrementsY === undefined ? {} : { incrs: [...incrementsY] }),
            values: (_plot, values) => values.map(formatY),
          },
        ],
        series: [
          {},
          ...labels.map((each, index) => {
            const stroke = colourOf(colours[index % colours.length] ?? '--text')
            const paths = kind === 'bars' ? uPlot.paths.bars?.({ size: [0.9, 60] }) : undefined
            return {
              label: each,
              stroke,
              width: kind === 'points' ? 0 : 1.5,
              points: { show: kind === 'points', size: 4, fill: stroke },
              ...(kind === 'bars' ? { fill: `${stroke}66` } : {}),
              ...(paths === undefined ? {} : { paths }),
            }
          }),
        ],
      },
      [[], ...labels.map(() => [])],
      element,
    )
    plot.current = made
    const resizing = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height })
    })
    resizing.observe(element)
    return () => {
      resizing.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [names, axis, height, kind, upper, lower, incrementsY, zone, theme])

  useEffect(() => {
    plot.current?.setData([[...x], ...series.map(({ values }) => [...values])])
  })
  useEffect(() => {
    series.forEach((each, index) => {
      plot.current?.setSeries(index + 1, { show: alone === undefined || alone === each.label })
    })
  })

  return (
    <figure className="chart">
      <div ref={box} role="img" aria-label={label} style={{ minHeight: height }} />
      {series.length > 1 && (
        <figcaption>
          {series.map((each, index) => (
            <button
              type="button"
              className="quiet"
              key={each.label}
              aria-pressed={alone === each.label}
              onClick={() => setAlone(alone === each.label ? undefined : each.label)}
              title={alone === each.label ? 'show all' : 'show alone'}
            >
              <span
                className={`swatch series-${(index % colours.length) + 1}`}
                aria-hidden="true"
              />
              {each.label}
            </button>
          ))}
        </figcaption>
      )}
    </figure>
  )
}

/** A canvas does not know `light-dark()`: the colour that an element gets of it. */
function resolveColour(element: HTMLElement, value: string): string {
  const probe = document.createElement('span')
  probe.style.color = value
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map(Number)
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`
}
