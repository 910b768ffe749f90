import { type GeoPermissibleObjects, geoEqualEarth, geoInterpolate, geoPath } from 'd3-geo'
import { useEffect, useRef, useState } from 'react'
import { feature } from 'topojson-client'
import type { Topology } from 'topojson-specification'
import landUrl from 'world-atlas/land-110m.json?url'
import { usePreferences } from '../shell/preferences.ts'
import { type Arc, arcMs } from './arc.ts'
import { type PlacedNode, placeNodes, stripHeight } from './layout.ts'
import { placeOf } from './places.ts'

export interface MapNode {
  id: string
  region: string | null
  tone: 'origin' | 'good' | 'waiting' | 'bad' | 'quiet'
}

const drawnMs = 700
const colours = {
  origin: '--accent',
  good: '--good',
  waiting: '--warn',
  bad: '--bad',
  quiet: '--faint',
} as const satisfies Record<MapNode['tone'], string>
const inkNames = [...Object.values(colours), '--ground', '--sunken', '--line'] as const

type Inks = Record<(typeof inkNames)[number], string>

interface WorldMapProps {
  label: string
  nodes: readonly MapNode[]
  /** Read while anything of it is still to be seen; may be changed in place. */
  arcs: readonly Arc[]
  /** Changes when arcs were added. */
  arcsVersion: number
  chosen?: string | undefined
  onChoose?: (id: string) => void
}

/** Nodes on the map, and what goes between them as it happens. */
export function WorldMap({ label, nodes, arcs, arcsVersion, chosen, onChoose }: WorldMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const placed = useRef<PlacedNode[]>([])
  const land = useLand()
  const width = useWidth(canvas)
  const { theme } = usePreferences()
  const hasPlaces = nodes.some(({ region }) => placeOf(region) !== undefined)
  const height = Math.round(Math.max(220, width * (hasPlaces ? 0.5 : 0.4)))
  const key = JSON.stringify(nodes)

  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!element || !context || width === 0) return undefined
    const scale = window.devicePixelRatio
    element.width = width * scale
    element.height = height * scale
    const shown = JSON.parse(key) as MapNode[]
    const isStrip = hasPlaces && shown.some(({ region }) => placeOf(region) === undefined)
    const mapHeight = isStrip ? height - stripHeight : height
    const projection = geoEqualEarth().fitExtent(
      [
        [6, 6],
        [width - 6, mapHeight - 6],
      ],
      { type: 'Sphere' },
    )
    placed.current = placeNodes(shown, projection, { width, height })
    const inks = inksOf(element)
    const ground = drawGround(element, hasPlaces ? land : undefined, projection, scale, inks)
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
    let frame: number | undefined

    const paint = (): void => {
      const now = performance.now()
      context.setTransform(1, 0, 0, 1, 0, 0)
      context.clearRect(0, 0, element.width, element.height)
      context.drawImage(ground, 0, 0)
      context.setTransform(scale, 0, 0, scale, 0, 0)
      const byId = new Map(placed.current.map((node) => [node.id, node]))
      context.strokeStyle = inks['--accent']
      const live = arcs.filter(({ at }) => now - at < arcMs)
      for (const arc of live) {
        const [from, to] = [byId.get(arc.from), byId.get(arc.to)]
        if (!from || !to) continue
        const age = now - arc.at
        context.globalAlpha = Math.max(0, 1 - age / arcMs)
        drawArc(context, from, to, projection, isStill ? 1 : Math.min(1, age / drawnMs))
      }
      context.globalAlpha = 1
      for (const { id, tone } of shown) {
        const node = byId.get(id)
        if (node) drawNode(context, node, inks[colours[tone]], id === chosen, tone)
      }
      frame = live.length > 0 ? requestAnimationFrame(paint) : undefined
    }
    paint()
    return () => {
      if (frame !== undefined) cancelAnimationFrame(frame)
    }
  }, [key, land, width, height, hasPlaces, theme, arcs, arcsVersion, chosen])

  const choose = (clientX: number, clientY: number): void => {
    const box = canvas.current?.getBoundingClientRect()
    if (!box || !onChoose) return
    const [x, y] = [clientX - box.left, clientY - box.top]
    const nearest = placed.current
      .map((node) => ({ id: node.id, distance: Math.hypot(node.x - x, node.y - y) }))
      .toSorted((a, b) => a.distance - b.distance)[0]
    if (nearest && nearest.distance < 16) onChoose(nearest.id)
  }

  return (
    <canvas
      ref={canvas}
      className="map"
      role="img"
      aria-label={label}
      style={{ height }}
      onPointerUp={({ clientX, clientY }) => choose(clientX, clientY)}
    />
  )
}

function useLand(): GeoPermissibleObjects | undefined {
  const [land, setLand] = useState<GeoPermissibleObjects>()
  useEffect(() => {
    const leaving = new AbortController()
    const load = async (): Promise<void> => {
      const response = await fetch(landUrl, { signal: leaving.signal })
      const topology = (await response.json()) as Topology
      const outline = topology.objects.land
      if (outline) setLand(feature(topology, outline))
    }
    // Without the outline the nodes are still where they are.
    load().catch(() => undefined)
    return () => leaving.abort()
  }, [])
  return land
}

function useWidth(canvas: { current: HTMLCanvasElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = canvas.current
    if (!element) return undefined
    const resizing = new ResizeObserver(() => setWidth(element.clientWidth))
    resizing.observe(element)
    return () => resizing.disconnect()
  }, [canvas])
  return width
}

type Projection = ReturnType<typeof geoEqualEarth>

/** What does not move, drawn once. */
function drawGround(
  element: HTMLCanvasElement,
  land: GeoPermissibleObjects | undefined,
  projection: Projection,
  scale: number,
  inks: Inks,
): HTMLCanvasElement {
  const ground = document.createElement('canvas')
  ground.width = element.width
  ground.height = element.height
  const context = ground.getContext('2d')
  if (!context || !land) return ground
  context.scale(scale, scale)
  const path = geoPath(projection, context)
  context.beginPath()
  path({ type: 'Sphere' })
  context.fillStyle = inks['--ground']
  context.fill()
  context.beginPath()
  path(land)
  context.fillStyle = inks['--sunken']
  context.strokeStyle = inks['--line']
  context.fill()
  context.stroke()
  return ground
}

function drawArc(
  context: CanvasRenderingContext2D,
  from: PlacedNode,
  to: PlacedNode,
  projection: Projection,
  share: number,
): void {
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(from.x, from.y)
  if (from.at && to.at) {
    const between = geoInterpolate(from.at, to.at)
    let [x0] = projection(between(0)) ?? [0]
    const steps = 48
    for (let step = 1; step <= steps * share; step++) {
      const [x, y] = projection(between(step / steps)) ?? [0, 0]
      // Over the edge of the map it goes on at the other side.
      if (Math.abs(x - x0) > 200) context.moveTo(x, y)
      else context.lineTo(x, y)
      x0 = x
    }
    if (share === 1) context.lineTo(to.x, to.y)
  } else {
    context.lineTo(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share)
  }
  context.stroke()
}

function drawNode(
  context: CanvasRenderingContext2D,
  { id, x, y }: PlacedNode,
  colour: string,
  isChosen: boolean,
  tone: MapNode['tone'],
): void {
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = 2
  context.beginPath()
  // Told apart by form too.
  if (tone === 'origin') context.rect(x - 5, y - 5, 10, 10)
  else context.arc(x, y, 5, 0, 2 * Math.PI)
  if (tone === 'waiting' || tone === 'quiet') context.stroke()
  else context.fill()
  if (isChosen) {
    context.beginPath()
    context.arc(x, y, 10, 0, 2 * Math.PI)
    context.stroke()
  }
  context.font = '12px system-ui, sans-serif'
  context.fillText(id, x + 9, y + 4)
}

/** A canvas does not know `light-dark()`; an element does. */
function inksOf(element: HTMLElement): Inks {
  const probe = document.createElement('i')
  element.after(probe)
  const ink = (name: string): string => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const inks = Object.fromEntries(inkNames.map((name) => [name, ink(name)])) as Inks
  probe.remove()
  return inks
}
