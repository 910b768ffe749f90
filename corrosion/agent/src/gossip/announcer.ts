import { setTimeout as wait } from 'node:timers/promises'

import type { Log } from '../log.ts'
import { type Address, formatAddress } from './address.ts'
import { resolveBootstrap } from './bootstrap.ts'
import { pick } from './swim.ts'
import type { GossipTimings } from './timings.ts'

export interface AnnouncerOptions {
  bootstrap: readonly string[]
  /** Where the others reach this agent. */
  own: Address
  timings: GossipTimings
  /** Where members were before, for when the list leads nowhere. */
  remembered: () => Address[]
  announceTo: (address: Address) => void
  log: Log
}

/** Makes this agent known where others may be: soon again at first, then now and then. */
export interface Announcer {
  /** At once, too. */
  announce(): void
  /** An agent was looked for at this host:port because the list names it. */
  isBootstrap(address: string): boolean
  close(): void
}

const soonTries = 10
const fallbackMembers = 5

export function startAnnouncer(options: AnnouncerOptions): Announcer {
  const { bootstrap, own, timings, remembered, announceTo, log } = options
  const bootstrapAddresses = new Set<string>()
  const closing = new AbortController()

  async function announce(): Promise<void> {
    const listed = (await resolveBootstrap(bootstrap, own)) ?? []
    for (const address of listed) bootstrapAddresses.add(formatAddress(address))
    const targets = listed.length > 0 ? listed : pick(remembered(), fallbackMembers)
    for (const address of targets) announceTo(address)
  }

  async function announceAgainAndAgain(): Promise<void> {
    const { announceMinMs, announceMaxMs, announceLaterMs } = timings
    for (let times = 0; ; times++) {
      await announce()
      const backoffMs = Math.min(announceMaxMs, announceMinMs * 2 ** times)
      await wait(times < soonTries ? backoffMs : announceLaterMs, undefined, {
        signal: closing.signal,
      })
    }
  }

  announceAgainAndAgain().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error
  })
  return {
    announce() {
      announce().catch((error: unknown) => {
        log.error('cannot announce this agent', { error })
      })
    },
    isBootstrap: (address) => bootstrapAddresses.has(address),
    close: () => closing.abort(),
  }
}
