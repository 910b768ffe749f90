import type { ExperimentFigures, ExperimentReply } from '@corroport/contracts'
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { experiments } from '../../api/experiments.ts'
import { type Acks, readAcks, readIn } from './acks.ts'
import { isOver } from './progress.ts'

export const everyMs = {
  list: 5000,
  running: 1000,
  figures: 3000,
  parts: 10_000,
  over: 30_000,
} as const

export const experimentsQuery = (before: string | undefined) =>
  queryOptions({
    queryKey: ['experiments', before ?? null],
    queryFn: () => experiments.list(before),
    refetchInterval: everyMs.list,
    placeholderData: keepPreviousData,
  })

export const experimentQuery = (id: string) =>
  queryOptions({
    queryKey: ['experiment', id],
    queryFn: () => experiments.one(id),
    refetchInterval: ({ state: { data } }) => paceOf(data),
  })

/** How often an experiment is asked for: what has ended changes only by what comes late. */
export function paceOf(reply: ExperimentReply | undefined): number {
  if (!reply) return everyMs.list
  return isOver(reply.experiment) ? everyMs.over : everyMs.running
}

/** Until an answer comes, the one before it is shown where it was of the same experiment. */
const ofSame =
  (id: string) =>
  <Data>(data: Data | undefined, before: { queryKey: readonly unknown[] } | undefined) =>
    before?.queryKey[1] === id ? data : undefined

/** Asked anew when the experiment comes into another status. */
export const figuresQuery = (id: string, status: string) =>
  queryOptions({
    queryKey: ['figures', id, status],
    queryFn: () => experiments.figures(id),
    refetchInterval: isOver({ status }) ? everyMs.over : everyMs.figures,
    placeholderData: ofSame(id),
  })

/** Of pairs, messages and acknowledgements: when they changed last, or that they still do. */
export function versionOf({ is_final: isFinal, computed_at: at }: ExperimentFigures): string {
  return isFinal ? at : 'running'
}

/** What is final is asked for until it came. */
const paceOfParts = (version: string, data: unknown) =>
  version === 'running' || data === undefined ? everyMs.parts : false

export const pairsQuery = (id: string, version: string) =>
  infiniteQueryOptions({
    queryKey: ['pairs', id, version],
    queryFn: ({ pageParam }) => experiments.pairs(id, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: ({ state: { data } }) => paceOfParts(version, data),
  })

export const messagesQuery = (id: string, after: string | undefined, version: string) =>
  queryOptions({
    queryKey: ['experiment-messages', id, after ?? null, version],
    queryFn: () => experiments.messages(id, after),
    refetchInterval: ({ state: { data } }) => paceOfParts(version, data),
    placeholderData: ofSame(id),
  })

const acksOfParts = 20_000

/** Many are read in hundreds of pages: the more there are, the less often. */
export function acksPace(version: string, acks: Acks | undefined): number | false {
  const pace = paceOfParts(version, acks)
  return pace && pace * Math.max(1, (acks ? readIn(acks) : 0) / acksOfParts)
}

export const acksQuery = (id: string, version: string, expected: number) =>
  queryOptions({
    queryKey: ['acks', id, version],
    queryFn: ({ signal }) => readAcks(id, expected, signal),
    refetchInterval: ({ state: { data } }) => acksPace(version, data),
    staleTime: everyMs.parts,
    placeholderData: ofSame(id),
  })

export const comparisonQuery = (a: string, b: string) =>
  queryOptions({
    queryKey: ['comparison', a, b],
    queryFn: () => experiments.compare(a, b),
    staleTime: 60_000,
  })
