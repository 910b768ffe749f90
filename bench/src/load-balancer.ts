import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createTemporaryFolder, freePort } from '@corroport/testing'

export interface LoadBalancer extends AsyncDisposable {
  /** Resolves when it sends to so many servers again. */
  sendsTo(servers: number): Promise<void>
}

/** An HAProxy that sends to those gateways that say that they are ready. */
export async function startLoadBalancer(options: {
  program: string
  port: number
  serverPorts: readonly number[]
}): Promise<LoadBalancer> {
  const { program, port, serverPorts } = options
  const folder = createTemporaryFolder()
  const statisticsPort = await freePort()
  const path = join(folder.path, 'haproxy.cfg')
  const servers = serverPorts.map(
    (each, index) => `  server gateway${index + 1} 127.0.0.1:${each} check`,
  )
  writeFileSync(
    path,
    `defaults
  mode http
  timeout connect 2s
  # Who is busy is not away: only an answer, or none in so long, takes a server out.
  timeout check 3s
  timeout client 30s
  timeout server 30s
  timeout http-request 30s
  # A connection that its server is closing is never used again.
  option http-server-close
  option redispatch 1
  retries 3

frontend api
  bind 127.0.0.1:${port}
  default_backend gateways

backend gateways
  balance roundrobin
  option httpchk
  http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host localhost:${port}
  http-check expect status 200
  default-server inter 500ms fall 1 rise 2
${servers.join('\n')}

frontend statistics
  bind 127.0.0.1:${statisticsPort}
  stats enable
  stats uri /
`,
  )
  const child = spawn(program, ['-db', '-q', '-f', path], { stdio: 'inherit' })
  const exited = once(child, 'exit')
  return {
    async sendsTo(wanted) {
      const deadline = performance.now() + 60_000
      for (;;) {
        const up = await countUp(`http://127.0.0.1:${statisticsPort}/;csv`).catch(() => 0)
        if (up === wanted) return
        if (performance.now() > deadline)
          throw new Error(`the load balancer sends to ${up} servers`)
        await wait(50)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await exited
      folder[Symbol.dispose]()
    },
  }
}

async function countUp(url: string): Promise<number> {
  const text = await (await fetch(url)).text()
  return text.split('\n').filter((line) => /^gateways,gateway\d,.*,UP,/.test(line)).length
}
