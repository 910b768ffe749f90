import type { GeoPermissibleObjects } from 'd3-geo'
import { useEffect, useRef, useState } from 'react'
import { feature } from 'topojson-client'
import type { Topology } from 'topojson-specification'
import landUrl from 'world-atlas/land-110m.json?url'
import { useColourScheme } from '../components/colour-scheme.ts'
import type { Arc } from './arc.ts'
import { placeOf } from './places.ts'
import { createScene, type MapNode, type Scene } from './scene.ts'

interface WorldMapProps {
  label: string
  nodes: readonly MapNode[]
  /** Changed in place while the page stays. */
  arcs: readonly Arc[]
}

/** Nodes on the map, and what goes between them as it happens. */
export function WorldMap({ label, nodes, arcs }: WorldMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scene = useRef<Scene>(undefined)
  const land = useLand()
  const width = useWidth(canvas)
  const scheme = useColourScheme()
  const hasPlaces = nodes.some(({ region }) => placeOf(region) !== undefined)
  const height = Math.round(Math.max(220, width * (hasPlaces ? 0.5 : 0.4)))
  const places = JSON.stringify(nodes.map(({ id, region }) => ({ id, region })))

  useEffect(() => {
    if (!canvas.current || width === 0) return undefined
    const made = createScene(canvas.current, {
      nodes: JSON.parse(places) as MapNode[],
      land: hasPlaces ? land : undefined,
      width,
      height,
    })
    scene.current = made
    return () => {
      made[Symbol.dispose]()
      scene.current = undefined
    }
  }, [places, hasPlaces, land, width, height, scheme])
  useEffect(() => {
    scene.current?.show(nodes, arcs)
  })

  return <canvas ref={canvas} className="map" role="img" aria-label={label} style={{ height }} />
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
