import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { createTemporaryFolder, freePort } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'

let folder: ReturnType<typeof createTemporaryFolder>
let agentPort: number
let child: ChildProcess
let output: string
let agent: Server | undefined

beforeEach(async () => {
  folder = createTemporaryFolder()
  agentPort = await freePort()
  output = ''
})

afterEach(async () => {
  agent?.close()
  agent = undefined
  if (child.exitCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  folder[Symbol.dispose]()
})

test('an offset is taken beside a development agent, which is waited for', async () => {
  const line = (await started({ CLOCK_OFFSET_MS: '-500' })).until('clock read')

  await answerAs('corroport-development-agent')

  expect(await line).toMatch(/"aheadMs":-(499|500|501),/)
})

test('an offset is refused beside a real agent, and the process ends', async () => {
  await answerAs(undefined)

  await started({ CLOCK_OFFSET_MS: '20' })

  expect(await once(child, 'exit')).toEqual([1, null])
  expect(output).toContain('CLOCK_OFFSET_MS is refused beside a real agent')
  expect(output).not.toContain('clock read')
})

test('an offset without AGENT_URL is a variable that does not fit', async () => {
  await started({ CLOCK_OFFSET_MS: '20', AGENT_URL: '' })

  expect(await once(child, 'exit')).toEqual([1, null])
  expect(output).toContain('AGENT_URL is missing')
})

test('without an offset nobody is asked', async () => {
  expect(await (await started({})).until('clock read')).toMatch(/"aheadMs":[-01]+,/)
})

test('a process that still waits for its agent can be stopped', async () => {
  await (await started({ CLOCK_OFFSET_MS: '20' })).isListening()

  child.kill('SIGTERM')

  expect(await once(child, 'exit')).toEqual([0, null])
})

async function started(given: Record<string, string>) {
  const metricsPort = await freePort()
  child = spawn(process.execPath, [join(import.meta.dirname, 'clock-process.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      NODE_ID: 'node1',
      NATS_URL: 'nats://127.0.0.1:9',
      STATE_DIR: folder.path,
      METRICS_PORT: String(metricsPort),
      AGENT_URL: `http://127.0.0.1:${agentPort}`,
      ...given,
    },
  })
  const heard = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      heard.dispatchEvent(new Event('data'))
    })
  }
  return {
    async until(words: string): Promise<string> {
      for (;;) {
        const line = output.split('\n').find((candidate) => candidate.includes(words))
        if (line !== undefined) return line
        await once(heard, 'data')
      }
    },
    async isListening(): Promise<void> {
      const url = `http://127.0.0.1:${metricsPort}/health/ready`
      for (;;) {
        const answer = await fetch(url).then(
          (response) => response.text(),
          () => '',
        )
        if (answer.includes('waits for the agent')) return
      }
    },
  }
}

async function answerAs(server: string | undefined): Promise<void> {
  agent = createServer((_, response) => {
    response.writeHead(404, server === undefined ? {} : { server }).end()
  })
  await once(agent.listen(agentPort, '127.0.0.1'), 'listening')
}
