import { readFileSync } from 'node:fs'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import type { Layout } from '../src/layout.ts'
import type { PartDefinition } from '../src/part.ts'
import type { ClusterShape } from '../src/register.ts'

export const shape: ClusterShape = {
  nodes: 1,
  portOffset: 0,
  natsUrl: 'nats://127.0.0.1:4222',
  hasNats: true,
  hasPostgres: false,
  hasAnalytics: false,
  hasEdge: false,
  hasBuilds: false,
  isProcessPerService: false,
}

const programs = {
  willing: 'setInterval(() => {}, 1000)',
  stubborn: "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)",
  failing: "console.log('cannot go on'); process.exit(3)",
}

export type PlainPart = keyof typeof programs

/** A Node process that ends at SIGTERM, one that does not, or one that always fails. */
export function plainPart(layout: Layout, name: PlainPart): PartDefinition {
  const program = programs[name]
  return {
    name,
    command: process.execPath,
    args: ['-e', `${program}; console.log('up ' + process.pid)`],
    cwd: layout.home,
    env: { PATH: process.env.PATH },
    logPath: layout.log(name),
    stopRank: name === 'willing' ? 1 : 0,
    stopDeadlineMs: 300,
    // The signal handler is in place when the line is there. Of a process that ended, it stays.
    look: async () => {
      const pids = readFileSync(layout.log(name), 'utf8').matchAll(/^up (\d+)$/gm)
      const runs = pids.some(([, pid]) => findProcess(Number(pid)) !== undefined)
      return runs ? undefined : 'silent'
    },
  }
}
