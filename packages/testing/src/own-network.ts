import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const ip = (...words: string[]): void => void execFileSync('ip', words)

/** The first thing to do inside of a network namespace. */
export function prepareOwnNetwork(): void {
  ip('link', 'set', 'lo', 'up')
  // Local addresses come before every other rule; here they must come after those of a cut.
  ip('rule', 'add', 'pref', '100', 'lookup', 'local')
  ip('rule', 'del', 'pref', '0')
}

/** Drops every datagram from and to a process, until it is disposed. Needs no firewall. */
export function cutDatagramsOf(pid: number): Disposable {
  const ports = [...new Set(udpPortsOf(pid))].map(String)
  for (const port of ports) {
    ip('rule', 'add', 'pref', '10', 'ipproto', 'udp', 'sport', port, 'blackhole')
    ip('rule', 'add', 'pref', '11', 'ipproto', 'udp', 'dport', port, 'blackhole')
  }
  return {
    [Symbol.dispose]() {
      for (const _ of ports) {
        ip('rule', 'del', 'pref', '10')
        ip('rule', 'del', 'pref', '11')
      }
    },
  }
}

function udpPortsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  const sockets = new Set(
    readdirSync(folder).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? []
      } catch {
        return [] // closed meanwhile
      }
    }),
  )
  const lines = ['udp', 'udp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  )
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    const port = fields[1]?.split(':')[1]
    return port !== undefined && sockets.has(fields[9] ?? '') ? Number.parseInt(port, 16) : []
  })
}
