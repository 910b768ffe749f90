import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { applyStreams } from '@corroport/bus'
import { durablesFor, streams } from '@corroport/contracts'
import { createTemporaryFolder, freePort, natsServerProgram } from '@corroport/testing'

export interface NatsProcess extends AsyncDisposable {
  readonly url: string
  /** Ends it, and starts it on the same port and store with other settings. */
  restart(settings: NatsSettings): Promise<void>
  applyStreams(): Promise<void>
}

export interface NatsSettings {
  /** Of its only user, `corroport`. */
  password: string
  hasJetStream: boolean
}

/** A nats-server with a user, and nothing made in it. */
export async function startNats(settings: NatsSettings): Promise<NatsProcess> {
  const folder = createTemporaryFolder()
  const port = await freePort()
  const url = `nats://127.0.0.1:${port}`
  let child: ChildProcess
  let ended: Promise<unknown>
  let { password } = settings

  const start = async (given: NatsSettings): Promise<void> => {
    password = given.password
    const config = join(folder.path, 'nats.conf')
    const jetstream = given.hasJetStream ? `jetstream { store_dir: "${folder.path}/store" }\n` : ''
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\n${jetstream}authorization { user: corroport, password: "${password}" }\n`,
    )
    const started = spawn(natsServerProgram(), ['-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = started
    ended = once(started, 'exit')
    let output = ''
    for await (const line of createInterface(started.stderr)) {
      output += `${line}\n`
      if (line.includes('Server is ready')) break
    }
    if (!output.includes('Server is ready')) throw new Error(`nats-server ended:\n${output}`)
    started.stderr.resume()
  }
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }

  await start(settings)
  return {
    url,
    async restart(given) {
      await end()
      await start(given)
    },
    async applyStreams() {
      const user = 'corroport'
      await applyStreams({ url, user, password, streams, durables: durablesFor(['node1']) })
    },
    async [Symbol.asyncDispose]() {
      await end()
      folder[Symbol.dispose]()
    },
  }
}
