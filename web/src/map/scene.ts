import {
  type GeoPermissibleObjects,
  type GeoProjection,
  geoEqualEarth,
  geoInterpolate,
  geoPath,
} from 'd3-geo'
import { type Arc, arcMs } from './arc.ts'
import { type PlacedNode, placeNodes, stripHeight } from './layout.ts'
import { placeOf } from './places.ts'

export interface MapNode {
  id: string
  region: string | null
  tone: 'origin' | 'good' | 'waiting' | 'bad' | 'quiet'
}

interface SceneOptions {
  nodes: readonly Pick<MapNode, 'id' | 'region'>[]
  /** Undefined until it is loaded, and where no node is on the map. */
  land: GeoPermissibleObjects | undefined
  width: number
  height: number
}

/** A canvas with nodes at their places; it is painted only while something changes. */
export interface Scene extends Disposable {
  /** `arcs` is read as long as anything of it is to be seen, and may be changed in place. */
  show(nodes: readonly MapNode[], arcs: readonly Arc[]): void
}

const drawnMs = 700
// Every second frame of most screens: where no graphics card helps, each costs a third of a core.
const leastMsBetween = 30
const arcSteps = 48
// What nodes of a large cluster say to each other in a minute; then they are found anew.
const mostPaths = 5000
const colours = {
  origin: '--accent',
  good: '--good',
  waiting: '--warn',
  bad: '--bad',
  quiet: '--faint',
} as const satisfies Record<MapNode['tone'], string>
const inkNames = [...Object.values(colours), '--ground', '--sunken', '--line'] as const

type Inks = Record<(typeof inkNames)[number], string>
type Point = readonly [x: number, y: number]

export function createScene(canvas: HTMLCanvasElement, options: SceneOptions): Scene {
  const { width, height, nodes: places } = options
  const context = canvas.getContext('2d')
  if (!context) throw new Error('this browser draws nothing on a canvas')
  const scale = window.devicePixelRatio
  canvas.width = width * scale
  canvas.height = height * scale
  const inks = inksOf(canvas)
  const projection = projectionFor(options)
  const placed = placeNodes(places, projection, { width, height })
  const byId = new Map(placed.map((node) => [node.id, node]))
  const ground = drawGround(canvas, { ...options, projection, scale, inks })
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
  const paths = new Map<string, readonly Point[]>()
  let shown: readonly MapNode[] = []
  let arcs: readonly Arc[] = []
  let frame: number | undefined
  let paintedAt = 0

  const pathOf = (from: PlacedNode, to: PlacedNode): readonly Point[] => {
    const key = `${from.id} ${to.id}`
    const known = paths.get(key)
    if (known) return known
    if (paths.size >= mostPaths) paths.clear()
    const path = pathBetween(from, to, projection)
    paths.set(key, path)
    return path
  }

  const paint = (): void => {
    const now = performance.now()
    if (now - paintedAt < leastMsBetween) {
      frame = requestAnimationFrame(paint)
      return
    }
    paintedAt = now
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.drawImage(ground, 0, 0)
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.strokeStyle = inks['--accent']
    context.lineWidth = 2
    let isAlive = false
    for (const arc of arcs) {
      const age = now - arc.at
      const [from, to] = [byId.get(arc.from), byId.get(arc.to)]
      if (age >= arcMs || !from || !to) continue
      isAlive = true
      context.globalAlpha = Math.max(0, 1 - age / arcMs)
      drawPath(context, pathOf(from, to), isStill ? 1 : Math.min(1, age / drawnMs))
    }
    context.globalAlpha = 1
    drawNodes(context, shown, byId, inks)
    frame = isAlive ? requestAnimationFrame(paint) : undefined
  }

  return {
    show(nextNodes, nextArcs) {
      shown = nextNodes
      arcs = nextArcs
      frame ??= requestAnimationFrame(paint)
    },
    [Symbol.dispose]() {
      if (frame !== undefined) cancelAnimationFrame(frame)
    },
  }
}

/** Below the map there is a strip for nodes that are on none. */
function projectionFor({ nodes, width, height }: SceneOptions): GeoProjection {
  const homeless = nodes.filter(({ region }) => placeOf(region) === undefined).length
  const isStrip = homeless > 0 && homeless < nodes.length
  return geoEqualEarth().fitExtent(
    [
      [6, 6],
      [width - 6, (isStrip ? height - stripHeight : height) - 6],
    ],
    { type: 'Sphere' },
  )
}

/** Along the great circle, or straight where one of them is on no map. */
function pathBetween(from: PlacedNode, to: PlacedNode, projection: GeoProjection): Point[] {
  if (!from.at || !to.at) {
    return Array.from({ length: arcSteps + 1 }, (_, step): Point => {
      const share = step / arcSteps
      return [from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share]
    })
  }
  const between = geoInterpolate(from.at, to.at)
  const inner = Array.from({ length: arcSteps - 1 }, (_, step): Point => {
    return projection(between((step + 1) / arcSteps)) ?? [from.x, from.y]
  })
  return [[from.x, from.y], ...inner, [to.x, to.y]]
}

function drawPath(context: CanvasRenderingContext2D, path: readonly Point[], share: number): void {
  context.beginPath()
  let before: Point | undefined
  for (const point of path.slice(0, Math.ceil(path.length * share))) {
    // Over the edge of the map it goes on at the other side.
    const isEdge = before === undefined || Math.abs(point[0] - before[0]) > 200
    if (isEdge) context.moveTo(...point)
    else context.lineTo(...point)
    before = point
  }
  context.stroke()
}

// Above so many, names would cover the map; the table has them.
const mostNames = 60

function drawNodes(
  context: CanvasRenderingContext2D,
  nodes: readonly MapNode[],
  byId: ReadonlyMap<string, PlacedNode>,
  inks: Inks,
): void {
  const isNamed = nodes.length <= mostNames
  context.font = '12px system-ui, sans-serif'
  context.lineWidth = 2
  for (const { id, tone } of nodes) {
    const place = byId.get(id)
    if (!place) continue
    const { x, y } = place
    context.fillStyle = context.strokeStyle = inks[colours[tone]]
    context.beginPath()
    // Told apart by form too.
    if (tone === 'origin') context.rect(x - 5, y - 5, 10, 10)
    else context.arc(x, y, isNamed ? 5 : 3.5, 0, 2 * Math.PI)
    if (tone === 'waiting' || tone === 'quiet') context.stroke()
    else context.fill()
    if (isNamed || tone === 'origin') context.fillText(id, x + 9, y + 4)
  }
}

/** What does not move, drawn once. */
function drawGround(
  canvas: HTMLCanvasElement,
  {
    land,
    projection,
    scale,
    inks,
  }: SceneOptions & { projection: GeoProjection; scale: number; inks: Inks },
): HTMLCanvasElement {
  const ground = document.createElement('canvas')
  ground.width = canvas.width
  ground.height = canvas.height
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

/** A canvas does not know `light-dark()`; an element does. */
function inksOf(canvas: HTMLCanvasElement): Inks {
  const probe = document.createElement('i')
  canvas.after(probe)
  const ink = (name: string): string => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const inks = Object.fromEntries(inkNames.map((name) => [name, ink(name)])) as Inks
  probe.remove()
  return inks
}
