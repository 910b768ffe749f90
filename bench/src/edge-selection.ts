import { createArrangement } from '@corroport/edge-proxy/balance/arrange.ts'
import { createBalancer } from '@corroport/edge-proxy/balance/balancer.ts'
import {
  createSharedBackends,
  openSharedBackends,
} from '@corroport/edge-proxy/balance/shared-backends.ts'
import { type Distribution, describe } from './quantiles.ts'

const backends = 10_000
const countries = 200
const regions = 4
const selections = 200_000
const kept = 5000

/** To choose one of 10,000 backends and give it back, while 5,000 connections stand: microseconds. */
export function measureSelection(): Distribution {
  const shared = openSharedBackends(createSharedBackends())
  const rows = Array.from({ length: backends }, (_, index) => ({
    id: `b${index}`,
    app: 0,
    region: index % regions,
    country: index % countries,
    weight: 1 + (index % 3),
    softLimit: 100,
    hardLimit: 150,
    isOffered: true,
  }))
  createArrangement(shared, false).arrange(rows)
  const balancer = createBalancer(shared, {
    ownRegion: 0,
    spillsAtSoftLimit: false,
    failuresToEject: 3,
    ejectMs: 1000,
    longestEjectMs: 60_000,
  })
  const open: number[] = []
  const microseconds: number[] = []
  for (let round = 0; round < selections; round += 1) {
    const country = Math.floor(Math.random() * countries)
    const wanted = { app: 0, country, region: country % regions }
    const startedAt = performance.now()
    const slot = balancer.reserve(wanted, [], Math.random)
    if (open.length >= kept) balancer.release(open.shift() ?? 0)
    microseconds.push((performance.now() - startedAt) * 1000)
    open.push(slot)
  }
  return describe(microseconds.slice(selections / 10)) // compiled by then
}
