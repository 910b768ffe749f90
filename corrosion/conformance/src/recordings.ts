import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type RecordedAgent = 'klukai-0.1.4' | 'v1.0.0'

export interface RecordedExchange {
  name: string
  request: {
    method: string
    path: string
    body?: unknown
    rawBody?: string
    headers?: Record<string, string | null>
  }
  response: {
    status: number
    headers: Record<string, string>
    body?: string
    /** Of an answer that was read as a stream. */
    lines?: string[]
    ended?: boolean
  }
}

export interface RecordedStep {
  step: string
  request?: { body: unknown }
  transaction?: string[] | string | null
  status?: number
  headers?: Record<string, string>
  lines?: string[]
  received?: { line: string }[]
  first?: string[]
  second?: string[]
  skipRows?: string[]
}

export interface RecordedFrames {
  request: unknown
  frames: string[]
}

interface Recordings {
  http: RecordedExchange[]
  streams: RecordedStep[]
  admin: RecordedFrames[]
}

// The recordings lie with the client, whose tests replay them.
const folder = join(import.meta.dirname, '../../../packages/corrosion-client/test/recordings')

export function readRecording<K extends keyof Recordings>(
  agent: RecordedAgent,
  kind: K,
): Recordings[K] {
  const recording: Recordings[K] = JSON.parse(
    readFileSync(join(folder, agent, `${kind}.json`), 'utf8'),
  )
  return recording
}
