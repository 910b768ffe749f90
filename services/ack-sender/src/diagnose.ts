import type { Bus, Consumption } from '@corroport/bus'
import { type DiagnosisStep, toTimestamp } from '@corroport/contracts'
import type { Directory, KnownNode, NodeKey } from '@corroport/identity'
import type { Dispatcher } from 'undici'
import { describeFailure } from './post.ts'
import type { Receipts } from './receipts.ts'

interface DiagnoseOptions {
  nodeId: string
  bus: Bus
  consumption: Consumption
  key: NodeKey
  directory: Directory
  receipts: Receipts
  http: Dispatcher
  timeoutMs: number
}

// Within the time that a command has for its answer.
const longestProbeMs = 4000

/** Goes the way of an acknowledgement step by step, up to the endpoint of each announced node. */
export async function diagnose(options: DiagnoseOptions): Promise<{
  owed: number
  oldestOwedAt: string | null
  steps: DiagnosisStep[]
}> {
  const { nodeId, bus, consumption, key, directory, receipts } = options
  const { count, oldest } = receipts.summarizeOwed()
  const others = directory.nodes().filter(({ announcement }) => announcement.nodeId !== nodeId)
  const own = directory.get(nodeId)?.announcement.publicKey
  return {
    owed: count,
    oldestOwedAt: oldest === null ? null : toTimestamp(oldest * 1000),
    steps: [
      {
        step: 'nats of the ack-sender',
        ok: bus.isConnected,
        detail: bus.isConnected ? 'connected' : 'away',
      },
      {
        step: 'changes',
        ok: consumption.isBound,
        detail: consumption.isBound ? 'consumer bound' : 'consumer not bound',
      },
      {
        step: 'key',
        ok: own === key.publicKey,
        detail: own
          ? `signs with ${key.publicKey}, announced is ${own}`
          : 'not announced: origins cannot check signatures of this node',
      },
      {
        step: 'directory',
        ok: others.length > 0,
        detail: `${others.length} other nodes announced`,
      },
      ...(await Promise.all(others.map((node) => tryEndpoint(node, options)))),
    ],
  }
}

async function tryEndpoint(
  node: KnownNode,
  { directory, http, timeoutMs }: DiagnoseOptions,
): Promise<DiagnosisStep> {
  const { nodeId, endpoints } = node.announcement
  const endpoint = endpoints.peer
  const step = `endpoint ${nodeId}`
  const heard = `${directory.presence(nodeId)}, heard ${Math.round(node.ageMs())} ms ago`
  const startedAt = performance.now()
  try {
    const { statusCode, body } = await http.request({
      origin: `http://${endpoint}`,
      path: '/api/acknowledge/health',
      method: 'GET',
      signal: AbortSignal.timeout(Math.min(timeoutMs, longestProbeMs)),
    })
    await body.dump({ limit: 64 * 1024 })
    return {
      step,
      ok: statusCode === 200,
      detail: `${endpoint} answered ${statusCode}; ${heard}`,
      durationMs: performance.now() - startedAt,
    }
  } catch (error) {
    return {
      step,
      ok: false,
      detail: `${endpoint} did not answer: ${describeFailure(error)}; ${heard}`,
      durationMs: performance.now() - startedAt,
    }
  }
}
