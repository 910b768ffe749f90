import type { MemberRecord } from './member-record.ts'
import type { Membership } from './membership.ts'
import type { Message, MessageOf } from './message.ts'
import type { GossipTimings } from './timings.ts'

export interface SwimOptions {
  membership: Membership
  timings: GossipTimings
  /** May be lost. */
  tell: (actorId: string, message: Message) => void
  /** Both directions are connected: a round trip now is one of the network only. */
  isWarm: (actorId: string) => boolean
}

type SwimMessage = MessageOf<'announce' | 'members' | 'ping' | 'ack' | 'ping-request'>

/** Finds out who is there: probes, asks others to probe, and passes on what it hears. */
export interface Swim {
  receive(from: string, message: SwimMessage): void
  /** To be told to others soon. */
  spread(record: MemberRecord): void
  /** Asks at once, without waiting for its turn: a new member, or one whose connection ended. */
  probe(actorId: string): void
  /** Both directions have just become connected. */
  warm(actorId: string): void
  /** It cannot be reached from here, so others should try now. */
  unreachable(actorId: string): void
  /** To an address of which no identity is known yet. */
  announcement(): Message
  leave(): void
  close(): void
}

interface Probe {
  number: number
  sentAtMs: number
  isIndirect: boolean
  isWarm: boolean
  timers: NodeJS.Timeout[]
}

const indirectProbes = 3
const membersFanout = 4
const announceToDownFanout = 3
const recordsPerMessage = 20
const relayMs = 10_000

export function startSwim({ membership, timings, tell, isWarm }: SwimOptions): Swim {
  const probes = new Map<string, Probe>()
  const relayed = new Map<
    number,
    { origin: string; probe: number; targetId: string; atMs: number }
  >()
  const news = new Map<string, { record: MemberRecord; left: number }>()
  const complained = new Map<string, number>()
  let lastNumber = 0

  /** Own record first; news in the order of how seldom they were told. */
  function about(extra: readonly MemberRecord[] = []): MemberRecord[] {
    const told = [...news.values()].toSorted((a, b) => b.left - a.left).slice(0, recordsPerMessage)
    for (const item of told) {
      item.left--
      if (item.left <= 0) news.delete(item.record.identity.actorId)
    }
    return [membership.self(), ...extra, ...told.map(({ record }) => record)]
  }

  function settle(actorId: string): void {
    for (const timer of probes.get(actorId)?.timers ?? []) clearTimeout(timer)
    probes.delete(actorId)
  }

  function probe(actorId: string): void {
    const member = membership.get(actorId)
    if (member === undefined || member.state === 'Down' || probes.has(actorId)) return
    const number = ++lastNumber
    const timers = [
      setTimeout(() => askOthers(actorId), timings.probeAnswerMs),
      setTimeout(() => {
        settle(actorId)
        membership.suspect(actorId)
      }, timings.probeEveryMs * 0.95),
    ]
    const sentAtMs = performance.now()
    probes.set(actorId, { number, sentAtMs, isIndirect: false, isWarm: isWarm(actorId), timers })
    // A suspect hears of it, so that it can contradict.
    const { identity, incarnation, state } = member
    const suspicion = state === 'Suspect' ? [{ identity, incarnation, state }] : []
    tell(actorId, { type: 'ping', probe: number, about: about(suspicion) })
  }

  function askOthers(actorId: string): void {
    const pending = probes.get(actorId)
    if (pending === undefined || pending.isIndirect) return
    pending.isIndirect = true
    const others = membership.present().filter(({ identity }) => identity.actorId !== actorId)
    for (const { identity } of pick(others, indirectProbes)) {
      tell(identity.actorId, {
        type: 'ping-request',
        probe: pending.number,
        targetId: actorId,
        about: about(),
      })
    }
  }

  function acknowledged(from: string, { probe: number, isRelayed }: MessageOf<'ack'>): void {
    const relay = relayed.get(number)
    if (relay !== undefined && relay.targetId === from) {
      relayed.delete(number)
      tell(relay.origin, { type: 'ack', probe: relay.probe, isRelayed: true, about: about() })
      return
    }
    for (const [actorId, pending] of probes) {
      if (pending.number !== number) continue
      if (!isRelayed && actorId === from && pending.isWarm) {
        membership.addRtt(actorId, performance.now() - pending.sentAtMs)
      }
      settle(actorId)
    }
  }

  function askFor(origin: string, { probe: number, targetId }: MessageOf<'ping-request'>): void {
    for (const [old, { atMs }] of relayed) {
      if (performance.now() - atMs > relayMs) relayed.delete(old)
    }
    const ours = ++lastNumber
    relayed.set(ours, { origin, probe: number, targetId, atMs: performance.now() })
    tell(targetId, { type: 'ping', probe: ours, about: about() })
  }

  /** One that is held to be down speaks: it has to hear that, to go on under a newer identity. */
  function complain(from: string): void {
    const member = membership.get(from)
    if (member?.state !== 'Down') return
    if (performance.now() - (complained.get(from) ?? -Infinity) < timings.membersEveryMs) return
    complained.set(from, performance.now())
    const { identity, incarnation, state } = member
    tell(from, { type: 'members', about: [membership.self(), { identity, incarnation, state }] })
  }

  function tellSome(): void {
    membership.age(timings.suspicionMs, timings.forgetDownMs)
    if (news.size === 0) return
    const records = about()
    for (const { identity } of pick(membership.present(), membersFanout)) {
      tell(identity.actorId, { type: 'members', about: records })
    }
  }

  const clocks = [
    setInterval(tellSome, timings.membersEveryMs),
    setInterval(() => {
      for (const { identity } of membership.present()) probe(identity.actorId)
    }, timings.probeEveryMs),
    setInterval(() => {
      const down = membership.all().filter(({ state }) => state === 'Down')
      for (const { identity } of pick(down, announceToDownFanout)) {
        tell(identity.actorId, announcement())
      }
    }, timings.announceToDownMs),
  ]

  function announcement(): Message {
    return { type: 'announce', about: [membership.self()] }
  }

  return {
    receive(from, message) {
      for (const record of message.about) membership.merge(record)
      complain(from)
      switch (message.type) {
        case 'announce': {
          const known = membership
            .present()
            .map(({ identity, incarnation, state }) => ({ identity, incarnation, state }))
          tell(from, { type: 'members', about: [membership.self(), ...known] })
          break
        }
        case 'ping':
          tell(from, { type: 'ack', probe: message.probe, isRelayed: false, about: about() })
          break
        case 'ack':
          acknowledged(from, message)
          break
        case 'ping-request':
          askFor(from, message)
          break
        case 'members':
          break
        default:
          throw new Error(`unreachable: ${String(message satisfies never)}`)
      }
    },
    spread(record) {
      const times = Math.ceil(4 * Math.log10(membership.present().length + 2))
      news.set(record.identity.actorId, { record, left: times })
    },
    probe,
    warm(actorId) {
      settle(actorId)
      probe(actorId)
    },
    unreachable: askOthers,
    announcement,
    leave() {
      const last = membership.leave()
      for (const { identity } of membership.present()) {
        tell(identity.actorId, { type: 'members', about: [last] })
      }
    },
    close() {
      for (const clock of clocks) clearInterval(clock)
      for (const actorId of probes.keys()) settle(actorId)
    },
  }
}

/** Up to `count` of them, at random. */
export function pick<T>(from: readonly T[], count: number): T[] {
  const left = [...from]
  const picked: T[] = []
  while (picked.length < count && left.length > 0) {
    picked.push(...left.splice(Math.floor(Math.random() * left.length), 1))
  }
  return picked
}
