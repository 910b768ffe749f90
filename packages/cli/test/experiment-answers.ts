import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  clocksQueried,
  type Experiment,
  type ExperimentFigures,
  type ExperimentProgress,
  experimentQueried,
  experimentsCompared,
  figuresQueried,
  pairsQueried,
  type StoredEvent,
} from '@corroport/contracts'
import { timestamp } from './answers.ts'
import type { Answer } from './gateway.ts'

// What analytics answers by the examples of the contracts, as a gateway passes it on.

const folder = join(import.meta.dirname, '../../contracts/fixtures')
export const answered = { node_id: 'node1', timestamp }

export function exampleOf(name: string): unknown {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}

export function replyOf(name: string): unknown {
  return (exampleOf(`command-analytics-${name}`) as { reply: unknown }).reply
}

export const id = 'gossip-baseline'

export function experimentReply(
  change: Partial<Experiment> = {},
  progressChange: Partial<ExperimentProgress> = {},
) {
  const { experiment, progress } = experimentQueried.parseReply(replyOf('experiment'))
  return {
    experiment: { ...experiment, status: 'finished' as const, ...change },
    progress: { ...progress, ...progressChange },
    ...answered,
  }
}

export function figuresReply(change: Partial<ExperimentFigures> = {}) {
  const { figures } = figuresQueried.parseReply(replyOf('figures'))
  return { figures: { ...figures, ...change }, ...answered }
}

export function pairsReply() {
  return { ...pairsQueried.parseReply(replyOf('pairs')), ...answered }
}

export function clocksReply() {
  return { ...clocksQueried.parseReply(replyOf('clocks')), ...answered }
}

export function comparisonReply() {
  return { ...experimentsCompared.parseReply(replyOf('compare')), ...answered }
}

export function acked(change: object = {}): StoredEvent {
  const event = exampleOf('ack-received') as object
  return { kind: 'acked', event: { ...event, ...change } }
}

export function clock(change: object = {}): StoredEvent {
  return { kind: 'clock', event: { ...(exampleOf('clock-sampled') as object), ...change } }
}

/** The NDJSON of `GET /api/experiments/:id/events`. */
export function recordStream(records: readonly StoredEvent[], said = records.length): Answer {
  const lines = [
    { experiment: experimentReply().experiment },
    ...records,
    { end: { events: said } },
  ].map((line) => `${JSON.stringify(line)}\n`)
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(lines.join(''))
  }
}
