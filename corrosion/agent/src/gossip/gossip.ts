import { setTimeout as wait } from 'node:timers/promises'

import type { HybridClock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { toUuid } from '../uuid.ts'
import { type Address, formatAddress, parseAddress } from './address.ts'
import { startAnnouncer } from './announcer.ts'
import { startApplyQueue } from './apply-queue.ts'
import { createAssembly } from './assembly.ts'
import { decodePart } from './changeset-part.ts'
import { openDoor } from './door.ts'
import { type Hello, type Refusal, refusals } from './handshake.ts'
import { createLab, type LabChange, type LabSettings } from './lab.ts'
import { createLagHistogram } from './lag.ts'
import { createLink, type Link, type LinkFailure, LinkLostError } from './link.ts'
import type { Identity, MemberRecord } from './member-record.ts'
import { createMembership } from './membership.ts'
import { encodeMessage, type Message } from './message.ts'
import { createOnce } from './once.ts'
import { startPusher } from './pusher.ts'
import { startQuicNotice } from './quic-notice.ts'
import { startMemory } from './remembered-members.ts'
import {
  type MembershipState,
  type ShownMember,
  type SyncState,
  showMember,
  showState,
  showSync,
} from './status.ts'
import { type Swim, startSwim } from './swim.ts'
import { startSyncClient } from './sync-client.ts'
import { createSyncServer } from './sync-server.ts'
import { corrosionTimings, type GossipTimings } from './timings.ts'

export interface GossipOptions {
  store: Store
  clock: HybridClock
  address: Address
  /** What the others are told, where it is not the address that this agent listens on. */
  externalAddress?: Address | undefined
  bootstrap: readonly string[]
  memberId?: number | undefined
  secret?: string | undefined
  lab: LabSettings
  log: Log
  timings?: Partial<GossipTimings>
}

/** Replication with other development agents. */
export interface Gossip {
  /** Where it listens. */
  address: Address
  /** Without this agent and without those that are down. */
  members(): ShownMember[]
  membershipStates(): MembershipState[]
  syncState(): SyncState
  lab(): LabSettings
  setLab(change: LabChange): void
  /** Begins anew under a newer identity. */
  rejoin(): void
  setClusterId(clusterId: number): void
  /** Changes of others that wait to be applied. */
  queueSize(): number
  p99LagSeconds(): number | undefined
  /** Pushes that waited too long, in too great a number; anti-entropy carries what was in them. */
  droppedPushes(): number
  /** Announces that this agent goes, and closes everything. */
  leave(): Promise<void>
}

/** Rejects when the gossip port cannot be had. */
export async function startGossip(options: GossipOptions): Promise<Gossip> {
  const { store, clock, secret, log } = options
  const timings = { ...corrosionTimings, ...options.timings }
  const once = createOnce()
  const lag = createLagHistogram(() => performance.now())
  const assembly = createAssembly()
  const links = new Map<string, Link>()
  const ownAddresses = new Set<string>()
  let isClosed = false
  let droppedPushes = 0

  const lab = createLab(options.lab, clock, () => {
    for (const link of links.values()) link.rebend()
  })
  const hello = (): Hello => ({
    identity: membership.self().identity,
    isProtected: secret !== undefined,
  })
  const door = await openDoor({
    address: options.address,
    hello,
    secret,
    once,
    log,
    entered(identity) {
      met(identity)
      if (isWarm(identity.actorId)) swim.warm(identity.actorId)
    },
    received,
    gone(actorId) {
      endSessions(actorId)
      if (!isClosed) swim.probe(actorId)
    },
    refused: tellRefusal,
  })
  const external = options.externalAddress ?? door.address
  for (const own of [external, door.address]) ownAddresses.add(formatAddress(own))
  const membership = createMembership({
    identity: {
      actorId: store.actorId,
      address: formatAddress(external),
      ts: clock.now(),
      clusterId: store.clusterId(),
      memberId: options.memberId ?? null,
    },
    timestamp: () => clock.now(),
    nowMs: () => performance.now(),
    changed: memberChanged,
  })
  const notice = startQuicNotice(door.address, { once, log })
  const swim: Swim = startSwim({ membership, timings, tell, isWarm })
  const pusher = startPusher({
    membership,
    timings,
    actorId: store.actorId,
    overflowed: () => void droppedPushes++,
    push: (actorId, payload) => linkOf(actorId)?.tell(payload, 'push'),
  })
  const queue = startApplyQueue({
    store,
    clock,
    lag,
    once,
    log,
    waitMs: timings.applyWaitMs,
    passOn: (changesets, sender) => pusher.add(changesets, sender),
    pressed: (isFull) => (isFull ? door.pause() : door.resume()),
  })
  const client = startSyncClient({
    store,
    clock,
    membership,
    timings,
    log,
    deliver,
    take: (from, parts) => take(from, parts, 'sync'),
    applied: () => queue.idle(),
  })
  const server = createSyncServer({ store, clock, timings, log, deliver })
  const unlisten = store.onCommit(({ origin, changesets }) => {
    if (origin === 'local') pusher.add(changesets)
  })
  const memory = startMemory({ store, membership, everyMs: timings.rememberEveryMs, log })
  const announcer = startAnnouncer({
    bootstrap: options.bootstrap,
    own: external,
    timings,
    remembered: () => memory.addresses(),
    announceTo: (address) => linkTo(address)?.tell(encodeMessage(swim.announcement()), 'datagram'),
    log,
  })

  function linkTo(peer: Address): Link | undefined {
    const address = formatAddress(peer)
    if (ownAddresses.has(address) || isClosed) return undefined
    const known = links.get(address)
    if (known !== undefined) return known
    const link = createLink({
      peer,
      settings: () => lab.of(address),
      hello,
      secret,
      connectMs: timings.connectMs,
      redialMs: timings.redialMs,
      opened: (identity) => opened(address, identity),
      failed: (failure) => failed(peer, failure),
      overflowed: () => void droppedPushes++,
    })
    links.set(address, link)
    return link
  }

  function linkOf(actorId: string): Link | undefined {
    const peer = parseAddress(membership.get(actorId)?.identity.address ?? '')
    return peer && linkTo(peer)
  }

  function tell(actorId: string, message: Message): void {
    linkOf(actorId)?.tell(encodeMessage(message), 'datagram')
  }

  async function deliver(actorId: string, message: Message, signal: AbortSignal): Promise<void> {
    const link = linkOf(actorId)
    if (link === undefined) throw new LinkLostError('that agent is not known any more')
    await link.deliver(encodeMessage(message), signal)
  }

  /** A connection with that agent ended, in one direction or the other. */
  function endSessions(actorId: string): void {
    client.gone(actorId)
    server.gone(actorId)
  }

  function isWarm(actorId: string): boolean {
    return door.has(actorId) && linkOf(actorId)?.isOpen === true
  }

  function met(identity: Identity): void {
    for (const refusal of refusals) once.forget(`refusal ${identity.address} ${refusal}`)
    if (identity.actorId !== store.actorId) {
      membership.merge({ identity, incarnation: 0, state: 'Alive' })
    } else if (identity.address !== membership.self().identity.address) {
      if (once.isFirst(`twin ${identity.address}`)) {
        log.error('another agent has the actor id of this one: its database is a copy', {
          peer: identity.address,
        })
      }
    }
  }

  function opened(address: string, identity: Identity): void {
    if (identity.actorId === store.actorId) ownAddresses.add(address)
    met(identity)
    if (isWarm(identity.actorId)) swim.warm(identity.actorId)
    // It goes by another address: what is said there from now on is said on a link of its own.
    if (identity.address !== address) {
      const link = links.get(address)
      links.delete(address)
      void link?.drained().then(
        () => link.close(),
        () => link.close(),
      )
    }
  }

  function failed(peer: Address, failure: LinkFailure): void {
    const address = formatAddress(peer)
    log.debug('a link failed', { peer: address, failure })
    const refusal = refusals.find((one) => one === failure)
    if (refusal !== undefined) tellRefusal(address, refusal)
    if (failure === 'refused' && announcer.isBootstrap(address)) notice.ask(peer)
    for (const { identity } of membership.present()) {
      if (identity.address !== address) continue
      endSessions(identity.actorId)
      if (failure === 'lost') swim.probe(identity.actorId)
      else swim.unreachable(identity.actorId)
    }
  }

  function tellRefusal(peer: string, reason: Refusal): void {
    if (!once.isFirst(`refusal ${peer} ${reason}`)) return
    log.warn('no gossip with a peer', { peer, reason })
  }

  function memberChanged(record: MemberRecord, before: MemberRecord | undefined): void {
    const { identity, state } = record
    if (identity.actorId === store.actorId) {
      swim.spread(record)
      return
    }
    const isNewLife = before?.identity.ts !== identity.ts
    const fields = { actorId: toUuid(identity.actorId), peer: identity.address }
    if (isNewLife || before.state !== state) {
      if (state === 'Alive') log.info('member is up', fields)
      else if (state === 'Suspect') log.info('member is suspected', fields)
      else log.info('member is down', fields)
    }
    swim.spread(record)
    const left = [state === 'Down' ? identity.address : undefined, before?.identity.address]
    for (const address of left) {
      if (address === undefined || (address === identity.address && state !== 'Down')) continue
      links.get(address)?.close()
      links.delete(address)
      endSessions(identity.actorId)
    }
    if (state === 'Alive' && isNewLife) swim.probe(identity.actorId)
  }

  function received(from: string, message: Message): void {
    switch (message.type) {
      case 'announce':
      case 'members':
      case 'ping':
      case 'ack':
      case 'ping-request':
        swim.receive(from, message)
        break
      case 'push':
        take(from, message.parts, 'push')
        break
      case 'sync-open':
      case 'sync-want':
      case 'sync-close':
        server.receive(from, message)
        break
      case 'sync-state':
      case 'sync-refused':
      case 'sync-changes':
      case 'sync-done':
        client.receive(from, message)
        break
      default:
        throw new Error(`unreachable: ${String(message satisfies never)}`)
    }
  }

  function take(from: string, parts: readonly Uint8Array[], via: 'push' | 'sync'): number {
    let whole = 0
    for (const part of parts.map(decodePart)) {
      if (part.actorId === store.actorId || store.isHeld(part.actorId, part.version)) continue
      const changeset = assembly.add(part)
      if (changeset === undefined) continue
      whole++
      queue.add(changeset, { from, via })
    }
    return whole
  }

  function restart(clusterId?: number): void {
    membership.renew(clusterId)
    announcer.announce()
  }

  return {
    address: door.address,
    members: () => membership.present().map(showMember),
    membershipStates: () => membership.all().map(showState),
    syncState: () => showSync(store, assembly),
    lab: () => lab.state(),
    setLab: (change) => lab.change(change),
    rejoin: () => restart(),
    setClusterId(clusterId) {
      store.setClusterId(clusterId)
      for (const { identity } of membership.all()) endSessions(identity.actorId)
      for (const link of links.values()) link.close()
      links.clear()
      restart(clusterId)
      door.dismissAll()
    },
    queueSize: () => queue.size(),
    droppedPushes: () => droppedPushes,
    p99LagSeconds: () => lag.quantile(0.99),
    async leave() {
      unlisten()
      client.close()
      pusher.close()
      swim.leave()
      swim.close()
      const drained = [...links.values()].map((link) => link.drained().catch(ignoreLost))
      const late = new AbortController()
      await Promise.race([
        Promise.all(drained),
        wait(timings.leaveMs, undefined, { signal: late.signal }).catch(() => {}),
      ])
      late.abort()
      isClosed = true
      announcer.close()
      memory.close()
      server.close()
      queue.close()
      for (const link of links.values()) link.close()
      notice.close()
      await door.close()
    },
  }
}

/** Who cannot be reached need not hear that this agent goes. */
function ignoreLost(error: unknown): void {
  if (!(error instanceof LinkLostError)) throw error
}
