import { type Bus, CommandError } from '@corroport/bus'
import { ackPathDiagnosed, type DiagnosisStep, subscriberStatusQueried } from '@corroport/contracts'
import type { AgentProbe } from './agent-probe.ts'
import type { Config } from './config.ts'

export interface DiagnosisDeps {
  config: Pick<Config, 'nodeId' | 'agent'>
  bus: Bus
  probe: AgentProbe
  unconfirmedEvents: () => number
}

/** The way of an acknowledgement, step by step: agent, feeds, NATS, each peer's endpoint. */
export async function diagnose(deps: DiagnosisDeps): Promise<DiagnosisStep[]> {
  const [agent, feeds, ackSender] = await Promise.all([
    lookAtAgent(deps),
    lookAtFeeds(deps),
    lookAtAckSender(deps),
  ])
  return [agent, lookAtNats(deps), ...feeds, ...ackSender]
}

async function lookAtAgent({ probe, config }: DiagnosisDeps): Promise<DiagnosisStep> {
  const { state, error, answeredInMs } = await probe.look()
  return {
    step: 'agent',
    ok: state === 'ready',
    detail: error ?? `${config.agent.url} answers`,
    ...(answeredInMs === null ? {} : { durationMs: answeredInMs }),
  }
}

function lookAtNats({ bus, unconfirmedEvents }: DiagnosisDeps): DiagnosisStep {
  const waiting = `${unconfirmedEvents()} events of the gateway wait to be confirmed`
  const detail = bus.isConnected ? `connected, ${waiting}` : `not connected, ${waiting}`
  return { step: 'nats of the gateway', ok: bus.isConnected, detail }
}

async function lookAtFeeds({ bus, config }: DiagnosisDeps): Promise<DiagnosisStep[]> {
  return unlessSilent('feeds', async () => {
    const { tables } = await bus.request(subscriberStatusQueried, { nodeId: config.nodeId }, {})
    return tables.map(({ table, state, since, rows }) => ({
      step: `feed ${table}`,
      ok: state === 'live',
      detail: `${state} since ${since}, ${rows} rows`,
    }))
  })
}

async function lookAtAckSender({ bus, config }: DiagnosisDeps): Promise<DiagnosisStep[]> {
  return unlessSilent('ack-sender', async () => {
    const found = await bus.request(ackPathDiagnosed, { nodeId: config.nodeId }, {})
    const oldest = found.oldestOwedAt === null ? '' : `, the oldest since ${found.oldestOwedAt}`
    const owed = { step: 'owed', ok: found.owed === 0, detail: `${found.owed} owed${oldest}` }
    return [...found.steps, owed]
  })
}

async function unlessSilent(
  step: string,
  ask: () => Promise<DiagnosisStep[]>,
): Promise<DiagnosisStep[]> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return [{ step, ok: false, detail: error.message }]
  }
}
