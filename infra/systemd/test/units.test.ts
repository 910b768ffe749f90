import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { services } from '../../docs/src/services.ts'

const folder = join(import.meta.dirname, '..')
const root = join(folder, '../..')
const names = services.map(({ name }) => name)
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

/** What a unit sets, in its own words. */
function settingsOf(text: string, key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

function variableNames(settings: readonly string[]): string[] {
  return settings.map((setting) => /^'?([A-Z_]+)=/.exec(setting)?.[1] ?? setting)
}

const dropIn = (name: string): string => read(`corroport@${name}.service.d/${name}.conf`)
const template = read('corroport@.service')

function variablesOf(name: string) {
  return services.find((each) => each.name === name)?.variables.properties ?? {}
}

/** As the services' READMEs have them, and as files. */
function knownVariables(name: string): string[] {
  return Object.keys(variablesOf(name)).flatMap((each) => [each, `${each}_FILE`])
}

test.each(names)('every variable that %s is given is one that it reads', (name) => {
  const given = variableNames(settingsOf(dropIn(name), 'Environment'))

  expect(given).not.toEqual([])
  expect(given.filter((each) => !knownVariables(name).includes(each))).toEqual([])
})

test('every variable of all services is one that one of them reads', () => {
  const given = [
    ...variableNames(settingsOf(template, 'Environment')),
    ...variableNames(
      read('services.env.example')
        .split('\n')
        .filter((line) => /^[^#]/.test(line)),
    ),
  ]
  const known = names.flatMap(knownVariables)

  // The allocator's own.
  expect(given.filter((each) => !known.includes(each))).toEqual(['MALLOC_ARENA_MAX'])
})

test.each(names)('each secret that %s reads from a file is one that systemd hands it', (name) => {
  const unit = `${template}\n${dropIn(name)}`
  const handed = settingsOf(unit, 'LoadCredential').map((each) => each.split(':')[0] ?? each)

  const asked = settingsOf(unit, 'Environment').flatMap(
    (each) => /=%d\/([a-z.]+)$/.exec(each)?.[1] ?? [],
  )

  expect(asked.length).toBeGreaterThan(1)
  expect(asked.toSorted()).toEqual(handed.toSorted())
})

test('no two processes of a machine listen on one port', () => {
  const ports = names
    .flatMap((name) => settingsOf(dropIn(name), 'Environment'))
    .flatMap((each) => /_PORT=(\d+)$/.exec(each)?.[1] ?? [])

  expect(ports.length).toBe(9)
  expect(new Set(ports).size).toBe(ports.length)
})

test('config-manager waits as long as systemd lets the agent end in order', () => {
  const [seconds] = settingsOf(read('corrosion.service'), 'TimeoutStopSec')
  const { default: waited } = Value.Parse(
    Type.Object({ default: Type.Number() }),
    variablesOf('config-manager').AGENT_STOP_TIMEOUT_SECONDS,
  )

  expect(Number(seconds)).toBeLessThanOrEqual(waited)
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test('systemd, where it is, finds nothing to say about the units', () => {
  if (!hasSystemd) return
  using copy = createTemporaryFolder()
  for (const path of globSync('**/*.{service,conf}', { cwd: folder })) {
    const text = read(path)
      .replaceAll('/opt/corroport', root)
      .replace('/usr/local/bin/corrosion', '/bin/true')
    mkdirSync(join(copy.path, dirname(path)), { recursive: true })
    writeFileSync(join(copy.path, path), text)
  }

  const units = ['corrosion.service', ...names.map((name) => `corroport@${name}.service`)]
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
    cwd: copy.path,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: `${copy.path}:` },
  })

  const ours = stderr.split('\n').filter((line) => /corro/.test(line))
  expect({ status, ours }).toEqual({ status: 0, ours: [] })
})

/** Runs the program between config-manager and systemctl, whose place a program of the test takes. */
async function agentControl(action: string, states: Readonly<Record<string, string>>) {
  using bin = createTemporaryFolder()
  const asked = join(bin.path, 'asked')
  writeFileSync(asked, '')
  const answers = Object.entries(states).map(
    ([name, value]) => `*--property=${name}*) echo '${value}' ;;`,
  )
  const systemctl = join(bin.path, 'systemctl')
  writeFileSync(
    systemctl,
    `#!/bin/sh\necho "$*" >> '${asked}'\ncase "$*" in\n${answers.join('\n')}\nesac\n`,
  )
  chmodSync(systemctl, 0o755)
  const program = join(bin.path, 'agent-control')
  copyFileSync(join(folder, 'agent-control'), program)
  const env = { PATH: `${bin.path}:${process.env.PATH}` }
  const outcome = await promisify(execFile)(program, [action], { env }).then(
    ({ stdout }) => ({ said: stdout.trim(), code: 0 }),
    (error: { code: number }) => ({ said: '', code: error.code }),
  )
  return { ...outcome, asked: readFileSync(asked, 'utf8').trim().split('\n') }
}

test.each([
  ['status', { ActiveState: 'active', MainPID: '4711' }, 'running 4711'],
  ['status', { ActiveState: 'deactivating', MainPID: '4711' }, 'running 4711'],
  ['status', { ActiveState: 'inactive', MainPID: '0' }, 'stopped'],
  ['status', { ActiveState: 'activating', MainPID: '0' }, 'stopped'],
  ['status', { ActiveState: 'failed', MainPID: '0' }, 'stopped'],
  ['stop', { Result: 'success' }, ''],
  ['stop', { Result: 'timeout' }, 'killed'],
  ['start', {}, ''],
])('agent-control %s where systemd says %j says %j', async (action, states, said) => {
  const outcome = await agentControl(action, states)

  expect(outcome).toMatchObject({ said, code: 0 })
  expect(outcome.asked.every((line) => line.endsWith(' corrosion.service'))).toBe(true)
})

test('agent-control asks systemd for nothing else', async () => {
  expect(await agentControl('restart', {})).toEqual({ said: '', code: 64, asked: [''] })
})

test('a drop-in has the name of its service', () => {
  const files = globSync('*.d/*.conf', { cwd: folder })

  expect(files.map((path) => basename(path, '.conf')).toSorted()).toEqual(names.toSorted())
  for (const path of files) {
    expect(dirname(path)).toBe(`corroport@${basename(path, '.conf')}.service.d`)
  }
})
