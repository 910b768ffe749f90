import { join } from 'node:path'
import { type Bus, connectBus, openStateFile, RefusalError, type StateFile } from '@corroport/bus'
import {
  ackReceived,
  type ExperimentPlan,
  experimentQueried,
  fromTimestamp,
  messageAccepted,
  messageReceived,
  messageSent,
  messagesSkipped,
  type NodeAnnounced,
  nodeAnnounced,
  nowMicroseconds,
  type Share,
  type ShareOrder,
  shareOrdered,
  shareQueried,
  shareStopped,
  toTimestamp,
} from '@corroport/contracts'
import { createTemporaryFolder, until } from '@corroport/testing'
import { ulid } from 'ulid'
import { quiet } from './harness.ts'

export const plan = (changes: Partial<ExperimentPlan> = {}): ExperimentPlan => ({
  name: 'made here',
  note: '',
  transports: ['gossip'],
  origins: ['node1'],
  count: 4,
  interval_ms: 10,
  payload_bytes: 64,
  warmup: 0,
  seed: 1,
  repeat_of: null,
  ...changes,
})

/** What a gateway is to experiments: it announces itself, takes orders and tells records. */
export interface FakeGateway extends AsyncDisposable {
  readonly nodeId: string
  readonly orders: ShareOrder[]
  readonly stops: string[]
  /** Its next orders are refused with this. */
  refuse(reason: string): void
  /** Says and hears nothing, as a killed one. */
  silence(): Promise<void>
  speak(): void
  /** Sends so many of its share, and everyone else acknowledges. */
  send(experimentId: string, count: number, options?: { acks?: boolean }): void
  /** The acknowledgements that were left out. */
  acknowledge(): void
  skip(experimentId: string, numbers: number[]): void
  /** It sends no more, as planned where there is no reason. */
  end(experimentId: string, reason?: string): void
  /** What it announces of itself from now on. */
  become(state: NodeAnnounced['state']): void
  forget(experimentId: string): void
}

export function startFakeGateway(options: {
  natsUrl: string
  nodeId: string
  others: readonly string[]
}): FakeGateway {
  const { natsUrl, nodeId, others } = options
  const stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const bus = stack.use(connectBus({ url: natsUrl, name: `gateway/${nodeId}`, log: quiet }))
  const state: StateFile = stack.use(
    openStateFile({ path: join(folder.path, 'gateway.sqlite'), migrations: [], bus, log: quiet }),
  )
  const shares = new Map<string, Share>()
  const orders: ShareOrder[] = []
  const stops: string[] = []
  let refusal: string | undefined
  let nodeState: NodeAnnounced['state'] = 'active'
  let unacknowledged: string[] = []
  let answering = new AsyncDisposableStack()

  const shareOf = (id: string): Share => {
    const share = shares.get(id)
    if (!share) throw new Error(`${nodeId} has no share of ${id}`)
    return share
  }
  const speak = (): void => {
    answering = new AsyncDisposableStack()
    const announce = (): void => {
      bus.hint(nodeAnnounced, { nodeId }, announcement(nodeId, nodeState))
    }
    announce()
    answering.adopt(setInterval(announce, 200), clearInterval)
    answering.use(
      bus.respond(shareOrdered, { nodeId }, (order) => {
        if (refusal !== undefined) throw new RefusalError('conflict', refusal)
        orders.push(order)
        const known = shares.get(order.experimentId)
        if (known) return { share: known }
        const share: Share = {
          node_id: nodeId,
          state: 'running',
          planned: Math.ceil((order.slots - order.origin) / order.origins),
          sent: 0,
          failed: 0,
          skipped: 0,
          reason: null,
        }
        shares.set(order.experimentId, share)
        return { share }
      }),
    )
    answering.use(
      bus.respond(shareQueried, { nodeId }, ({ experimentId }) => ({
        share: shares.get(experimentId) ?? null,
      })),
    )
    answering.use(
      bus.respond(shareStopped, { nodeId }, ({ experimentId, reason }) => {
        stops.push(experimentId)
        const share = shares.get(experimentId)
        if (!share) return { share: null }
        shares.set(experimentId, { ...share, state: 'ended', reason })
        return { share: shareOf(experimentId) }
      }),
    )
  }
  const acknowledge = (messageIds: readonly string[]): void => {
    const at = toTimestamp(nowMicroseconds())
    state.transaction((tell) => {
      for (const messageId of messageIds) {
        for (const other of others) {
          tell(
            messageReceived,
            { nodeId: other },
            {
              nodeId: other,
              messageId,
              transport: 'gossip',
              originNodeId: nodeId,
              via: 'updates',
              receivedAt: at,
            },
          )
          tell(
            ackReceived,
            { nodeId },
            {
              nodeId,
              messageId,
              transport: 'gossip',
              ackNodeId: other,
              via: 'updates',
              attempts: 1,
              receivedAt: at,
              sentAt: at,
              arrivedAt: at,
              roundTripMs: 3,
              roundTripClock: 'monotonic',
            },
          )
        }
      }
    })
  }
  speak()
  stack.defer(() => answering.disposeAsync())

  return {
    nodeId,
    orders,
    stops,
    refuse: (reason) => {
      refusal = reason
    },
    silence: () => answering.disposeAsync(),
    speak,
    send: (experimentId, count, { acks = true } = {}) => {
      const share = shareOf(experimentId)
      const sent: string[] = []
      state.transaction((tell) => {
        for (let number = share.sent; number < share.sent + count; number += 1) {
          const messageId = `${nodeId}_${ulid()}`
          const at = toTimestamp(nowMicroseconds())
          const common = { nodeId, messageId, transport: 'gossip' as const }
          sent.push(messageId)
          tell(
            messageSent,
            { nodeId },
            {
              ...common,
              region: 'fra',
              sizeBytes: 64,
              expected: others.map((other) => ({ nodeId: other, wasPresent: true })),
              sentAt: at,
              experiment: {
                id: experimentId,
                number,
                isWarmup: false,
                intendedAt: at,
                delayMs: 0.1,
              },
            },
          )
          tell(
            messageAccepted,
            { nodeId },
            { ...common, acceptedAt: at, tookMs: 1, wasReadBack: false },
          )
        }
      })
      shares.set(experimentId, { ...share, sent: share.sent + count })
      if (acks) acknowledge(sent)
      else unacknowledged.push(...sent)
    },
    acknowledge: () => {
      acknowledge(unacknowledged)
      unacknowledged = []
    },
    skip: (experimentId, numbers) => {
      const share = shareOf(experimentId)
      const at = toTimestamp(nowMicroseconds())
      state.transaction((tell) => {
        tell(
          messagesSkipped,
          { nodeId },
          { nodeId, experimentId, transport: 'gossip', numbers, reason: 'restarted', at },
        )
      })
      shares.set(experimentId, { ...share, skipped: share.skipped + numbers.length })
    },
    end: (experimentId, reason) => {
      shares.set(experimentId, {
        ...shareOf(experimentId),
        state: 'ended',
        reason: reason ?? null,
      })
    },
    become: (announced) => {
      nodeState = announced
    },
    forget: (experimentId) => {
      shares.delete(experimentId)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function announcement(nodeId: string, state: NodeAnnounced['state']): NodeAnnounced {
  const at = toTimestamp(nowMicroseconds())
  const number = nodeId.slice(-1)
  return {
    nodeId,
    instanceId: `instance-${nodeId}`,
    region: 'fra',
    publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    endpoints: {
      api: `127.0.0.1:400${number}`,
      peer: `127.0.0.1:500${number}`,
      gossip: `127.0.0.1:878${number}`,
    },
    state,
    stateAt: at,
    version: '0.1.0',
    agent: {
      state: 'ready',
      stateSince: at,
      actorId: number.repeat(32),
      url: `http://127.0.0.1:808${number}`,
      kind: 'real',
      version: '0.1.4',
    },
    startedAt: at,
    announcedAt: at,
  }
}

/** The experiment, when it has come to this. */
export async function untilStatus(bus: Bus, id: string, ...wanted: string[]) {
  return await until(async () => {
    const answer = await bus.request(experimentQueried, {}, { id }).catch(() => undefined)
    return answer && wanted.includes(answer.experiment.status) && answer
  })
}

export const microseconds = (at: string | null): number => fromTimestamp(at ?? '') ?? Number.NaN
