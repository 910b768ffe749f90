import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { describe, expect, test } from '@jest/globals'
import packageJson from '../package.json' with { type: 'json' }
import { corrosion, createAgentFiles, program } from './cli-harness.ts'

describe('the command', () => {
  test('says that it is the development agent, and its version', async () => {
    const { code, stdout } = await corrosion(['--version'])

    expect(stdout).toContain('development agent')
    expect(stdout).toContain(packageJson.version)
    expect(code).toBe(0)
  })

  test('is found through links and folders with spaces', async () => {
    using folder = createTemporaryFolder()
    mkdirSync(join(folder.path, 'a folder'))
    symlinkSync(program, join(folder.path, 'a folder/first'))
    symlinkSync('a folder/first', join(folder.path, 'second'))

    const { stdout } = await corrosion(['--version'], { path: join(folder.path, 'second') })

    expect(stdout).toContain(packageJson.version)
  })

  test.each([
    ['no command', [], 'Usage: corrosion'],
    ['an unknown command', ['nope'], "unknown command 'nope'"],
    ['a missing argument', ['query'], "missing required argument 'sql'"],
    ['a cluster id that is too large', ['cluster', 'set-id', '70000'], 'up to 65535'],
    ['a host name as API address', ['--api-addr', 'localhost:1', 'query', 'x'], 'ip:port'],
    ['a subscription that is no UUID', ['subs', 'info', '--id', 'x'], 'It must be a UUID'],
  ])('refuses %s with 2', async (_what, args, reason) => {
    const { code, stdout, stderr } = await corrosion(args)

    expect(stderr).toContain(reason)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  test.each([
    ['no configuration', ['-c', '/none.toml', 'agent'], 'cannot read /none.toml: there is no such'],
    ['no agent at the socket', ['--admin-path', '/none', 'reload'], 'no agent listens at /none'],
    [
      'no agent at the port',
      ['--api-addr', '127.0.0.1:1', 'query', 'SELECT 1'],
      'no agent answers at 127.0.0.1:1: start one',
    ],
    ['nothing to bend', ['lab', 'set'], 'nothing to set'],
    [
      'what only a real agent has',
      ['backup', 'file', '--x'],
      'the development agent has no backup',
    ],
  ])('says in one line what to do: %s', async (_what, args, reason) => {
    const { code, stdout, stderr } = await corrosion(args)

    expect(stderr).toMatch(/^corrosion: .*\n$/)
    expect(stderr).toContain(reason)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })
})

describe('a running agent', () => {
  test('introduces itself, and ends by a signal with 0', async () => {
    await using files = await createAgentFiles('member_idd = 1\nclient_addr = "127.0.0.1:0"')
    const agent = await files.start()

    expect(agent.stdout()).toContain('development agent')
    expect(agent.stdout()).toContain('not for production')
    expect(agent.stdout()).toContain('does not join real clusters')
    expect(agent.stdout()).toContain(`127.0.0.1:${files.apiPort}`)
    expect(agent.stdout()).toContain('settings=["gossip.client_addr"]')
    expect(agent.stdout()).toContain('settings=["gossip.member_idd"]')

    expect(await agent.end('SIGTERM')).toMatchObject({ code: 0, stderr: '' })
  })

  test('has the process id that was started', async () => {
    await using files = await createAgentFiles()
    const agent = await files.start()

    process.kill(agent.pid, 'SIGKILL')

    expect(await agent.ended).toMatchObject({ signal: 'SIGKILL' })
    await expect(files.start()).resolves.toBeDefined()
  })

  test('writes nothing but JSON where the log is JSON', async () => {
    await using files = await createAgentFiles('[log]\nformat = "json"')
    const agent = await files.start()
    await agent.end('SIGTERM')

    const lines = agent.stdout().trim().split('\n')
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message)

    expect(messages[0]).toContain('development agent')
  })

  test('is written to, asked and bent', async () => {
    await using files = await createAgentFiles()
    await files.start()
    const run = (...args: string[]) => corrosion(['-c', files.configPath, ...args])
    const quiet = (...args: string[]) =>
      corrosion(['-c', files.configPath, ...args], { env: { RUST_LOG: 'off' } })

    expect(await run('exec', 'INSERT INTO item VALUES (1, ?)', '--param', 'a|b')).toMatchObject({
      code: 0,
      stdout: ' INFO Rows affected: 1\n',
    })
    expect((await quiet('exec', 'UPDATE item SET id = id', '--timer')).stdout).toMatch(
      /^Run Time: real 0\.\d+\n$/,
    )
    expect(
      await run(
        'query',
        "SELECT id, text, NULL AS n, x'00ff' AS b, 2.0 AS r FROM item",
        '--columns',
      ),
    ).toMatchObject({ code: 0, stdout: "id|text|n|b|r\n1|a|b||x'00ff'|2\n" })
    expect((await run('query', 'SELECT 1', '--timer')).stdout).toMatch(/^1\ntime: 0\.\d+s\n$/)
    expect(await run('query', 'SELECT nope')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'corrosion: no such column: nope in SELECT nope at offset 7\n',
    })
    expect(await run('exec', 'DELETE FROM nope')).toMatchObject({
      code: 1,
      stderr: 'corrosion: rusqlite: no such table: nope (actor_id: None, version: None)\n',
    })

    expect(JSON.parse((await quiet('sync', 'generate')).stdout)).toMatchObject({
      last_cleared_ts: null,
      need: {},
      partial_need: {},
    })
    expect((await run('subs', 'list')).stdout).toBe('[]\n')
    expect((await run('cluster', 'members')).stdout).toBe('')
    expect((await run('reload')).stdout).toBe(
      ' INFO reloading schema from configured paths...\n INFO schema reload finished\n',
    )

    await run('lab', 'set', '--peer', '127.0.0.1:9', '--cut', '--bandwidth-kbps', '64')
    await run('lab', 'set', '--delay-ms', '40', '--loss', '0.25')
    await run('lab', 'clock', '-250')
    expect(JSON.parse((await run('lab', 'show')).stdout)).toEqual({
      clock_offset_ms: -250,
      every_link: { bandwidth_kbps: null, cut: false, delay_ms: 40, jitter_ms: 0, loss: 0.25 },
      links: { '127.0.0.1:9': { bandwidth_kbps: 64, cut: true } },
    })
    expect(await run('lab', 'set', '--loss', '2')).toMatchObject({
      code: 1,
      stderr: 'corrosion: loss must be a number from 0 to 1\n',
    })
  })

  test('that wants a token is not written to, as by the command of v1.0.0', async () => {
    await using files = await createAgentFiles('[api.authz]\nbearer-token = "secret"')
    await files.start()

    const { code, stderr } = await corrosion(['-c', files.configPath, 'query', 'SELECT 1'])

    expect(stderr).toContain('wants a bearer token')
    expect(stderr).not.toContain('secret')
    expect(code).toBe(1)
  })

  test('outlives whoever reads its log', async () => {
    await using files = await createAgentFiles()
    const agent = await files.start()
    agent.hangUp()
    const run = (...args: string[]) => corrosion(['-c', files.configPath, ...args])

    // What it cannot read is logged.
    createConnection(files.adminPath).end('garbage')

    expect((await run('query', 'SELECT 1')).stdout).toBe('1\n')
    expect(await agent.end('SIGTERM')).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('an agent that cannot start', () => {
  test('names the port and its setting', async () => {
    await using files = await createAgentFiles()
    await using server = createServer().listen(files.apiPort, '127.0.0.1')
    await once(server, 'listening')

    const { code, stderr } = await (await files.start()).ended

    expect(stderr).toBe(
      `corrosion: 127.0.0.1:${files.apiPort} (api.addr) is in use: end what listens there, or set another port in ${files.configPath}\n`,
    )
    expect(code).toBe(1)
  })

  test('names the process that holds the database', async () => {
    await using files = await createAgentFiles()
    const first = await files.start()

    const { code, stderr } = await (await files.start()).ended

    expect(stderr).toBe(
      `corrosion: ${files.databasePath} is held by another agent (process ${first.pid}); end it first\n`,
    )
    expect(code).toBe(1)
  })

  test('does not touch a file that is no database of its own', async () => {
    await using files = await createAgentFiles()
    writeFileSync(files.databasePath, 'something else'.repeat(100))

    const { code, stderr } = await (await files.start()).ended

    expect(stderr).toMatch(/^corrosion: .*corrosion\.db.*\n$/)
    expect(code).toBe(1)
  })
})
