import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Part } from './part.ts'

const Request = Type.Object({
  action: Type.Union([Type.Literal('start'), Type.Literal('stop'), Type.Literal('status')]),
  part: Type.String({ maxLength: 64 }),
})

/** `said` is what the asking program prints. */
type Answer = { said: string } | { error: string }

const maxRequestBytes = 1024
const requestTimeoutMs = 5000

/** The program that asks, for AGENT_COMMAND of a config-manager. */
export function controlCommand(socket: string, part: string): string[] {
  const program = join(import.meta.dirname, '../agent-control.mjs')
  return [process.execPath, program, socket, '{action}', part]
}

/** Lets the owner of this machine's account stop and start agents, one JSON line each way. */
export async function listenForControl(path: string, agents: readonly Part[]): Promise<Disposable> {
  // A killed supervisor left it; who holds the lock of the agents may take it.
  rmSync(path, { force: true })
  const server = createServer((socket) => serve(socket, agents))
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  return {
    [Symbol.dispose]() {
      server.close()
      rmSync(path, { force: true })
    },
  }
}

function serve(socket: Socket, agents: readonly Part[]): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(requestTimeoutMs, () => socket.destroy())
  socket.on('error', () => socket.destroy()) // who asked has gone
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.length > maxRequestBytes) socket.destroy()
    if (!text.includes('\n')) return
    socket.removeAllListeners('data')
    // An agent takes its time to stop.
    socket.setTimeout(0)
    void answer(text, agents).then((given) => socket.end(`${JSON.stringify(given)}\n`))
  })
}

async function answer(text: string, agents: readonly Part[]): Promise<Answer> {
  try {
    const request: unknown = JSON.parse(text)
    if (!Value.Check(Request, request)) {
      return { error: 'the action is start, stop or status, and the part has a name' }
    }
    const { action, part } = request
    const agent = agents.find(({ name }) => name === part)
    if (!agent) return { error: `there is no ${part} here` }
    switch (action) {
      case 'start':
        agent.startOnRequest()
        break
      case 'stop':
        return { said: (await agent.stopOnRequest()) ? 'killed' : 'stopped' }
      case 'status':
        break
      default:
        throw new Error(`unreachable: ${String(action satisfies never)}`)
    }
    return { said: agent.pid === undefined ? 'stopped' : `running ${agent.pid}` }
  } catch (error) {
    return { error: Error.isError(error) ? error.message : String(error) }
  }
}
