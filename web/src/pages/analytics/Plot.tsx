import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type Axis, createAxis, type Scale } from './axis.ts'

interface PlotProps {
  /** What is to be seen, in a sentence, for those who cannot. */
  label: string
  x: Scale
  y: Scale
  xTitle: string
  /** Without it there are no lines across. */
  yTitle?: string
  formatX?: (value: number) => string
  height?: number
  children: (axes: { x: Axis; y: Axis; width: number }) => ReactNode
}

const margin = { left: 52, right: 14, top: 22, bottom: 38 }

/** A frame with axes, in pixels of the screen so that its words keep their size. */
export function Plot(props: PlotProps) {
  const { label, x, y, xTitle, yTitle, formatX = String, height = 240 } = props
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(600)
  useEffect(() => {
    const element = box.current
    if (!element) return undefined
    const resizing = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)))
    resizing.observe(element)
    return () => resizing.disconnect()
  }, [])
  const [left, right] = [margin.left, width - margin.right]
  const [bottom, top] = [height - margin.bottom, margin.top]
  const axes = { x: createAxis(x, [left, right]), y: createAxis(y, [bottom, top]), width }
  return (
    <div ref={box} className="analytics-plot">
      <svg width={width} height={height} role="img" aria-label={label}>
        {axes.x.ticks.map((tick) => (
          <g key={tick}>
            <path className="grid" d={`M${axes.x.at(tick)} ${top}V${bottom}`} />
            <text x={axes.x.at(tick)} y={bottom + 15} textAnchor="middle">
              {formatX(tick)}
            </text>
          </g>
        ))}
        {(yTitle === undefined ? [] : axes.y.ticks).map((tick) => (
          <g key={tick}>
            <path className="grid" d={`M${left} ${axes.y.at(tick)}H${right}`} />
            <text x={left - 6} y={axes.y.at(tick) + 4} textAnchor="end">
              {tick}
            </text>
          </g>
        ))}
        <text x={(left + right) / 2} y={height - 5} textAnchor="middle">
          {xTitle}
        </text>
        <text x={4} y={12}>
          {yTitle}
        </text>
        {props.children(axes)}
      </svg>
    </div>
  )
}
