import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { WantedPort } from './ports.ts'

/** Throws one error that names each port that is taken, who wants it, and who holds it. */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const taken = await takenPorts(wanted)
  if (taken.length === 0) return
  const lines = taken.map(
    (port) => `  ${port.port}/${port.protocol}  ${port.wantedBy}: ${holderOf(port)}`,
  )
  throw new Error(
    `${taken.length === 1 ? 'a port is' : `${taken.length} ports are`} taken:\n${lines.join('\n')}`,
  )
}

/** An offset to the rule with which all ports are free, below those that the system hands out. */
export async function freePortOffset(
  wantedAt: (offset: number) => readonly WantedPort[],
  random: () => number = Math.random,
): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const offset = 10_000 + Math.floor(random() * 1200) * 10
    if ((await takenPorts(wantedAt(offset))).length === 0) return offset
  }
  throw new Error('no range of free ports was found in 50 attempts')
}

async function takenPorts(wanted: readonly WantedPort[]): Promise<WantedPort[]> {
  const isFree = await Promise.all(
    wanted.map(({ port, protocol }) => (protocol === 'tcp' ? tcpIsFree(port) : udpIsFree(port))),
  )
  return wanted.filter((_, index) => !isFree[index])
}

async function tcpIsFree(port: number): Promise<boolean> {
  const server = createServer()
  const isFree = isListening(once(server.listen(port, '127.0.0.1'), 'listening'))
  if (await isFree) await new Promise((resolve) => server.close(resolve))
  return isFree
}

async function udpIsFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  const isFree = await isListening(once(socket, 'listening'))
  await new Promise<void>((resolve) => socket.close(resolve))
  return isFree
}

async function isListening(listening: Promise<unknown>): Promise<boolean> {
  try {
    await listening
    return true
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
}

function holderOf({ port, protocol }: WantedPort): string {
  const pid =
    process.platform === 'linux' ? holderByProc(port, protocol) : holderByLsof(port, protocol)
  return pid === undefined
    ? 'held by a process that this user cannot see'
    : `held by ${describe(pid)}`
}

function describe(pid: number): string {
  let command = ''
  try {
    command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    // It has just ended; its pid still says which one it was.
  }
  return command.trim() ? `pid ${pid} (${command.trim().slice(0, 100)})` : `pid ${pid}`
}

const listenState = '0A'

function holderByProc(port: number, protocol: 'tcp' | 'udp'): number | undefined {
  const inodes = new Set<string>()
  for (const file of [`/proc/net/${protocol}`, `/proc/net/${protocol}6`]) {
    for (const line of readOr(file, '').split('\n').slice(1)) {
      // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (!local || !inode || Number.parseInt(local.split(':')[1] ?? '', 16) !== port) continue
      if (protocol === 'udp' || state === listenState) inodes.add(`socket:[${inode}]`)
    }
  }
  return listOr('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) =>
      listOr(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOr(`/proc/${pid}/fd/${fd}`))),
    )
}

function holderByLsof(port: number, protocol: 'tcp' | 'udp'): number | undefined {
  const filter = protocol === 'tcp' ? [`-iTCP:${port}`, '-sTCP:LISTEN'] : [`-iUDP:${port}`]
  try {
    const output = execFileSync('lsof', ['-nP', '-t', ...filter], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const pid = Number(output.split('\n')[0])
    return pid > 0 ? pid : undefined
  } catch {
    return undefined // no lsof here, or it may not look
  }
}

// Processes end, and belong to others, while /proc is read.
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
