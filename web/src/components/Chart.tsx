import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatTime, type Zone } from '../format/time.ts'
import { usePreferences } from '../shell/preferences.ts'
import { useColourScheme } from './colour-scheme.ts'

interface Series {
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
  kind?: 'line' | 'points'
  /** Places of the two series between which it is filled. */
  band?: readonly [upper: number, lower: number]
}

const colours = [1, 2, 3, 4, 5, 6].map((number) => `--series-${number}`)

/** Lines or points over one axis. The buttons below show one series alone, or all again. */
export function Chart(props: ChartProps) {
  const { label, x, series, axis, height = 220, kind = 'line', incrementsY } = props
  const [upper, lower] = props.band ?? []
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const { zone } = usePreferences()
  const scheme = useColourScheme()
  const [chosen, setChosen] = useState<string>()
  // What is chosen may not be among other series that come later.
  const alone = series.some((each) => each.label === chosen) ? chosen : undefined
  const names = JSON.stringify(series.map((each) => each.label))

  // Made anew when its form changes; new figures are set below.
  useEffect(() => {
    const element = box.current
    if (!element) return undefined
    const labels = JSON.parse(names) as string[]
    const size = () => ({ width: element.clientWidth || 300, height })
    const options = { ...optionsOf(element, labels, props, zone), ...size() }
    const made = new uPlot(options, [[], ...labels.map(() => [])], element)
    plot.current = made
    const resizing = new ResizeObserver(() => made.setSize(size()))
    resizing.observe(element)
    return () => {
      resizing.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [names, axis, height, kind, upper, lower, incrementsY, zone, scheme])

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
              onClick={() => setChosen(alone === each.label ? undefined : each.label)}
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

function optionsOf(
  element: HTMLElement,
  labels: readonly string[],
  { axis, formatX = String, formatY, incrementsY, kind, band }: ChartProps,
  zone: Zone,
): Omit<uPlot.Options, 'width' | 'height'> {
  const style = getComputedStyle(element)
  const colourOf = (name: string) => resolveColour(element, style.getPropertyValue(name))
  const time = (seconds: number) =>
    formatTime(seconds * 1000, zone, { withDate: false, withMilliseconds: false })
  const axisStyle = {
    stroke: colourOf('--faint'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { stroke: colourOf('--line'), width: 1 },
    font: `12px ${style.fontFamily}`,
  }
  const fill = `${colourOf('--accent')}33`
  return {
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: axis === 'time' } },
    ...(band === undefined ? {} : { bands: [{ series: [band[0] + 1, band[1] + 1], fill }] }),
    axes: [
      { ...axisStyle, values: (_plot, values) => values.map(axis === 'time' ? time : formatX) },
      {
        ...axisStyle,
        size: 70,
        ...(incrementsY === undefined ? {} : { incrs: [...incrementsY] }),
        values: (_plot, values) => values.map(formatY),
      },
    ],
    series: [
      {},
      ...labels.map((label, index): uPlot.Series => {
        const stroke = colourOf(colours[index % colours.length] ?? '--text')
        return {
          label,
          stroke,
          width: kind === 'points' ? 0 : 1.5,
          points: { show: kind === 'points', size: 4, fill: stroke },
        }
      }),
    ],
  }
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
