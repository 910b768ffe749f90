import { join } from 'node:path'
import {
  type Bus,
  type BusOptions,
  connectBus,
  openStateFile,
  type StateFile,
} from '@corroport/bus'
import { type MessageReceived, messageReceived, type StreamName } from '@corroport/contracts'
import { createTemporaryFolder } from '@corroport/testing'
import { jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pino from 'pino'

export const silent = pino({ level: 'silent' })

export function openBus(url: string, options: Partial<BusOptions> = {}): Bus {
  return connectBus({ url, name: 'test', log: silent, ...options })
}

/** A state file in a folder of its own, or in one that outlives it. */
export function openState(bus: Bus, folder?: string, log = silent): StateFile {
  const temporary = folder === undefined ? createTemporaryFolder() : undefined
  const state = openStateFile({
    path: join(folder ?? temporary?.path ?? '', 'state.sqlite'),
    migrations: ['CREATE TABLE effect (id TEXT PRIMARY KEY) STRICT'],
    bus,
    log,
  })
  const close = state[Symbol.asyncDispose].bind(state)
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      await close()
      temporary?.[Symbol.dispose]()
    },
  })
}

export function received(
  messageId: string,
  change: Partial<MessageReceived> = {},
): MessageReceived {
  return {
    nodeId: 'node1',
    messageId,
    transport: 'gossip',
    originNodeId: 'node2',
    via: 'updates',
    receivedAt: '2026-01-15T10:00:00.123456Z',
    ...change,
  }
}

/** Commits an effect and the event that tells it. */
export function tellReceived(state: StateFile, ...messageIds: string[]): void {
  state.transaction((tell) => {
    for (const messageId of messageIds) {
      state.db.prepare('INSERT INTO effect VALUES (?)').run(messageId)
      tell(messageReceived, { nodeId: 'node1' }, received(messageId))
    }
  })
}

/** Everything in a stream, oldest first. */
export async function stored(url: string, stream: StreamName): Promise<StoredMsg[]> {
  const nats = await connect({ servers: url })
  try {
    const manager = await jetstreamManager(nats)
    const { state } = await manager.streams.info(stream)
    const messages: StoredMsg[] = []
    for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage(stream, { seq })
      if (message) messages.push(message)
    }
    return messages
  } finally {
    await nats.close()
  }
}

/** Publishes bytes as anyone with access could. */
export async function publishRaw(url: string, subject: string, bytes: string): Promise<void> {
  const nats = await connect({ servers: url })
  await jetstream(nats).publish(subject, bytes)
  await nats.close()
}
