import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyStreams } from '@corroport/bus'
import { durablesFor, streams } from '@corroport/contracts'
import { createTemporaryFolder, freePort, natsServerProgram, until } from '@corroport/testing'
import { natsConfig } from '../src/nats-config.ts'
import type { RightsOptions } from '../src/nats-users.ts'
import { initSecrets, readSecret } from '../src/secrets.ts'

export interface NatsWithUsers extends AsyncDisposable {
  readonly url: string
  readonly monitorUrl: string
  /** The secrets of the cluster. */
  readonly dir: string
  passwordOf(user: string): string
  access(user: string): { url: string; user: string; password: string }
  /** Writes its file anew, with the passwords of now, and has it read. */
  reload(rights?: RightsOptions): Promise<void>
  log(): string
}

/** A real nats-server with the users of so many nodes, its streams made by the one who may. */
export async function startNatsWithUsers(nodeIds: readonly string[]): Promise<NatsWithUsers> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(createTemporaryFolder())
  const dir = join(folder.path, 'secrets')
  const path = join(folder.path, 'nats.conf')
  const logPath = join(folder.path, 'nats.log')
  const [port, monitorPort] = [await freePort(), await freePort()]
  const url = `nats://127.0.0.1:${port}`
  const monitorUrl = `http://127.0.0.1:${monitorPort}`
  const passwordOf = (user: string): string => readSecret(dir, `nats/${user}.password`)
  const access = (user: string) => ({ url, user, password: passwordOf(user) })
  const write = (rights: RightsOptions = {}): void => {
    const text = natsConfig({
      ...rights,
      nodeIds,
      passwordOf,
      serverName: 'nats',
      storeDir: join(folder.path, 'store'),
      routes: [],
    })
    const here = text
      .replace('0.0.0.0:4222', `127.0.0.1:${port}`)
      .replace('0.0.0.0:8222', `127.0.0.1:${monitorPort}`)
    writeFileSync(path, here)
  }
  const log = (): string => readFileSync(logPath, 'utf8')

  initSecrets(dir, { nodeIds, postgres: 'postgres:5432/corroport' })
  write()
  writeFileSync(logPath, '')
  const server: ChildProcess = spawn(natsServerProgram(), ['-c', path, '-l', logPath], {
    stdio: 'ignore',
  })
  const ended = once(server, 'exit')
  opening.defer(async () => {
    server.kill('SIGKILL')
    await ended
  })
  await until(async () => {
    if (server.exitCode !== null) throw new Error(`nats-server ended:\n${log()}`)
    return (await fetch(`${monitorUrl}/healthz`).catch(() => undefined))?.ok === true
  })
  await applyStreams({ ...access('migrate'), streams, durables: durablesFor(nodeIds) })
  const opened = opening.move()
  return {
    url,
    monitorUrl,
    dir,
    passwordOf,
    access,
    async reload(rights) {
      write(rights)
      const before = log().length
      server.kill('SIGHUP')
      await until(() => log().slice(before).includes('Reloaded server configuration'))
    },
    log,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
