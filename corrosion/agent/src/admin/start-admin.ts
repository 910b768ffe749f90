import { mkdirSync, rmSync, statSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { messageOf } from '../error-message.ts'
import { encodeFrame, FrameError, readFrames } from '../frames.ts'
import { type AdminAgent, RefusedError } from './admin-agent.ts'
import { readCommand } from './command.ts'
import { toJsonText } from './json-text.ts'
import { DecodeError } from './serde-reader.ts'

export interface AdminOptions extends AdminAgent {
  path: string
}

export interface Admin {
  close(): Promise<void>
}

// Corrosion takes 100 MiB, but reading those would hold up all else here; requests are far smaller.
const maxRequestBytes = 1024 * 1024
// Linux has 108 bytes for it and macOS 104, both with a closing zero.
const maxPathBytes = process.platform === 'linux' ? 107 : 103

/** Answers on a Unix socket that only the agent's own user can open. Rejects with what is in the way. */
export async function startAdmin({ path, ...agent }: AdminOptions): Promise<Admin> {
  const connections = new Set<Socket>()
  // A client may end its side before it has read the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    // A client that goes in the middle of an answer; the end of the loop over frames is enough.
    socket.on('error', () => undefined)
    void serve(socket, agent)
  })
  await prepare(path)
  await listen(server, path)
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

async function prepare(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path)
  if (bytes > maxPathBytes) {
    throw new Error(
      `admin.path has ${bytes} bytes, a socket's path at most ${maxPathBytes}: ${path}`,
    )
  }
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch (error) {
    throw new Error(`cannot make the folder of admin.path ${path}`, { cause: error })
  }
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new Error(`admin.path ${path} is a file that is no socket; move it away`)
  }
  if (await isAnswered(path)) {
    throw new Error(`admin.path ${path} is in use by a running agent; end it first`)
  }
  // Left behind by an agent that was killed.
  rmSync(path, { force: true })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (error) =>
    reject(new Error(`cannot listen on admin.path ${path}`, { cause: error })),
  )
  // The file is made inside of `listen`; changing its mode later would leave it open for a moment.
  const before = process.umask(0o177)
  try {
    server.listen(path, resolve)
  } finally {
    process.umask(before)
  }
  await promise
}

/** One request after the other. What cannot be read ends this connection, as Corrosion does. */
async function serve(socket: Socket, agent: AdminAgent): Promise<void> {
  const send = async (part: unknown) => {
    if (socket.destroyed || socket.write(encodeFrame(Buffer.from(toJsonText(part))))) return
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.once('drain', resolve).once('close', resolve)
    await promise
  }
  try {
    // The socket outlives the loop: the reason for an end is still written to it.
    for await (const request of readFrames(
      socket.iterator({ destroyOnReturn: false }),
      maxRequestBytes,
    )) {
      const answer = readCommand(request)
      try {
        for await (const part of answer(agent)) await send(part)
        await send('Success')
      } catch (error) {
        if (!(error instanceof RefusedError)) agent.log.warn('admin request failed', { error })
        await send({ Error: { msg: messageOf(error) } })
      }
    }
  } catch (error) {
    if (error instanceof DecodeError || error instanceof FrameError) {
      agent.log.error('could not decode incoming frame as command', { error })
      await send({ Error: { msg: error.message } })
    } else agent.log.debug('admin connection lost', { error })
  }
  socket.end(() => socket.destroy())
}
