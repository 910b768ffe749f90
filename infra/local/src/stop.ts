import { endProcess, isRunning } from '@corroport/node-process/process-ref.ts'
import type { Layout } from './layout.ts'
import { type Layer, layers, openRegister, readRecord } from './register.ts'

// The longest ordered stop: services 11 s, agents 20 s, NATS 5 s.
const stopDeadlineMs = 40_000

/** Stops layers of a running cluster, and ends what a killed supervisor of theirs left behind. */
export async function stopLayers(
  layout: Layout,
  wanted: readonly Layer[],
  say: (line: string) => void,
): Promise<void> {
  const records = layers.flatMap((layer) => {
    const record = readRecord(layout, layer)
    return record ? [{ layer, ...record }] : []
  })
  const own = records.filter(({ layer }) => wanted.includes(layer))
  const others = records.filter(({ layer }) => !wanted.includes(layer))
  const shared = own.find(
    ({ supervisor }) =>
      isRunning(supervisor) && others.some((other) => other.supervisor.pid === supervisor.pid),
  )
  if (shared) {
    throw new Error(
      `all runs together under pid ${shared.supervisor.pid}: stop it there with Ctrl-C, or with \`corroport local stop\``,
    )
  }
  // Services hand on what they have through NATS, which goes with the agents.
  for (const { supervisor, shape, layer } of own.toReversed()) {
    await endProcess(supervisor, stopDeadlineMs)
    // One that was killed has left its record, and perhaps processes: opening ends them.
    if (readRecord(layout, layer)) {
      const register = await openRegister(layout, layer, shape, say)
      register[Symbol.dispose]()
    }
  }
  say(own.length === 0 ? 'nothing runs' : `${own.map(({ layer }) => layer).join(' and ')} stopped`)
}
