import { setTimeout as wait } from 'node:timers/promises'
import { nowMicroseconds } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import type { Config } from './config.ts'

export interface RetentionOptions {
  config: Pick<Config, 'nodeId' | 'messageRetentionHours'>
  agent: CorrosionClient
  log: Logger
}

const intervalMs = 60_000
// Every deletion is gossiped: small transactions, with room for messages between them.
const batchSize = 200
const pauseMs = 100
const millisecondsPerHour = 3_600_000

/** Deletes this node's old rows, until the signal is aborted. Nobody else writes them. */
export async function retainMessages(
  options: RetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const deleted = await deleteOld(options, signal)
      if (deleted > 0) options.log.info({ deleted }, 'old messages deleted')
    } catch (err) {
      if (!signal.aborted) options.log.warn({ err }, 'old messages not deleted yet')
    }
    await wait(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}

async function deleteOld(
  { config, agent }: RetentionOptions,
  signal: AbortSignal,
): Promise<number> {
  const before = nowMicroseconds() / 1000 - config.messageRetentionHours * millisecondsPerHour
  let deleted = 0
  for (;;) {
    const { rows } = await agent.query(
      [
        `SELECT pk FROM node_messages WHERE node_id = ? AND sequence < ?
         ORDER BY sequence LIMIT ${batchSize}`,
        [config.nodeId, Math.floor(before)],
      ],
      { signal },
    )
    const keys = rows.flatMap(([pk]) => (pk === undefined ? [] : [pk]))
    if (keys.length === 0) return deleted
    const marks = keys.map(() => '?').join(', ')
    await agent.transact([[`DELETE FROM node_messages WHERE pk IN (${marks})`, keys]], { signal })
    deleted += keys.length
    await wait(pauseMs, undefined, { signal })
  }
}
