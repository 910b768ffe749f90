import { join } from 'node:path'
import { connectBus, openStateFile, readStream } from '@corroport/bus'
import {
  type LifecycleFailed,
  type LifecycleReady,
  type LifecycleRestarting,
  lifecycleFailed,
  lifecycleReady,
  lifecycleRestarting,
  type RecordDefinition,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { readPidFile, sendSignal } from '@corroport/node-process/process-ref.ts'
import { createHealth, readEnvironment } from '@corroport/service'
import {
  createTemporaryFolder,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import pino, { type Logger } from 'pino'
import { Type } from 'typebox'
import { findAgent } from '../../../infra/setup/find-agent.mjs'
import { createAgentControl } from '../src/agent/agent-control.ts'
import { agentControlVariables, toAgentControlSettings } from '../src/agent/agent-settings.ts'
import { migrations } from '../src/migrations.ts'

export const stateFileName = 'config-manager.sqlite'

const silent = pino({ level: 'silent' })

function settingsOf(variables: Record<string, string>) {
  const { PATH } = process.env
  const env = readEnvironment(Type.Object(agentControlVariables), { PATH, ...variables })
  return toAgentControlSettings(env)
}

/** What runs the agent of a folder that `startCorrosionAgent` made. */
export function agentCommand(folder: string): string[] {
  return [findAgent(process.env).path, 'agent', '-c', join(folder, 'agent.toml')]
}

export type Told =
  | ({ kind: 'restarting' } & LifecycleRestarting)
  | ({ kind: 'ready' } & LifecycleReady)
  | ({ kind: 'failed' } & LifecycleFailed)

export interface ControlledOptions {
  agentUrl: string
  natsUrl: string
  stateDir: string
  variables: Record<string, string>
}

/** The control of node1's agent, with a state file and a connection of its own. */
export async function openControl(options: ControlledOptions, log: Logger = silent) {
  await using opening = new AsyncDisposableStack()
  const { agentUrl, natsUrl: url, stateDir, variables } = options
  const bus = opening.use(connectBus({ url, name: 'test', log: silent }))
  const client = opening.use(createCorrosionClient({ url: agentUrl }))
  const path = join(stateDir, stateFileName)
  const state = opening.use(openStateFile({ path, migrations, bus, log }))
  const health = createHealth('config-manager', 'node1')
  const deps = { nodeId: 'node1', stateDir, state, client, health, log }
  const control = opening.use(createAgentControl(settingsOf(variables), deps))

  /** The lifecycle of the agent as it was told, oldest first. */
  const told = async (): Promise<Told[]> => {
    const records = await readStream(bus, 'LIFECYCLE')
    return records.flatMap(({ subject, text }): Told[] => {
      const is = (event: RecordDefinition): boolean =>
        subject === event.subject({ nodeId: 'node1' })
      const value: unknown = JSON.parse(text)
      if (is(lifecycleRestarting)) {
        return [{ kind: 'restarting', ...lifecycleRestarting.parse(value) }]
      }
      if (is(lifecycleReady)) return [{ kind: 'ready', ...lifecycleReady.parse(value) }]
      return is(lifecycleFailed) ? [{ kind: 'failed', ...lifecycleFailed.parse(value) }] : []
    })
  }
  /** Waits until so much was told, the last of it that the agent is ready. */
  const toldUntilReady = (count: number): Promise<Told[]> =>
    until(async () => {
      const list = await told()
      return list.length >= count && list.at(-1)?.kind === 'ready' && list
    })
  return Object.assign(opening.move(), { deps, client, health, control, told, toldUntilReady })
}

/** A running agent, with what its control needs beside it. */
export async function startNeighbours() {
  await using starting = new AsyncDisposableStack()
  const { path: folder } = starting.use(createTemporaryFolder())
  const nats = starting.use(await startNatsServer())
  const agent = starting.use(await startCorrosionAgent())
  const optionsFor = (variables: Record<string, string>): ControlledOptions => ({
    agentUrl: agent.url,
    natsUrl: nats.url,
    stateDir: folder,
    variables,
  })
  return Object.assign(starting.move(), { folder, agent, optionsFor })
}

/** Kills what a pid file names, if it still runs. It need not be a child of this process. */
export function killByPidFile(path: string): void {
  const running = readPidFile(path)
  if (running) sendSignal(running.pid, 'SIGKILL')
}
