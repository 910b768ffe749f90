import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream, openAsBlob } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import {
  parseDone,
  parseKeys,
  parseNewKey,
  parseStatus,
  parseSubmitted,
} from '../builds-answers.ts'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import {
  type Controller,
  type ControllerOptions,
  openController,
  withController,
} from '../controller-client.ts'
import { Failure } from '../failure.ts'
import { parseWhole } from '../gateway-options.ts'
import { persistently } from '../persistently.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { stateOf } from './builds-read.ts'

export function registerBuildWriting(builds: Command, terminal: Terminal): void {
  registerSubmit(builds, terminal)
  registerDownload(builds, terminal)
  registerCancel(builds, terminal)
  registerRetry(builds, terminal)
  registerDrain(builds, terminal)
  registerKeys(builds, terminal)
}

const pathOf = (id: string): string => `/api/v2/builds/${encodeURIComponent(id)}`
const post = { method: 'POST' }

interface SubmitOptions extends ControllerOptions {
  platform: string
  certs?: string
  labels?: string
  priority: number
  idempotencyKey?: string
  wait?: boolean
}

const uploadMs = 3_600_000

function registerSubmit(builds: Command, terminal: Terminal): void {
  withController(builds.command('submit'))
    .description('Submits a source, and prints the id of the build.')
    .argument('<file>', 'the source, an archive')
    .addOption(
      new Option('--platform <platform>', 'what it is built for')
        .choices(['ios', 'android'])
        .makeOptionMandatory(),
    )
    .option('--certs <file>', 'archive of certificates and profiles')
    .option('--labels <names>', 'that its worker needs to have, by commas')
    .option('--priority <number>', 'from -10 to 10', parsePriority, 0)
    .option(
      '--idempotency-key <key>',
      'submits once, however often this is said (default: a new one)',
    )
    .option('--wait', 'until it ends; exits with 1 when it has no result')
    .addHelpText(
      'after',
      `
A submission whose answer was lost is sent again under the same key, so that it makes one build.

Examples:
  $ corroport builds submit app.zip --platform ios --certs certs.zip
  $ corroport builds submit app.zip --platform android --wait`,
    )
    .action(
      terminal.action(async (file: string, options: SubmitOptions) => {
        const controller = openController(options, terminal)
        const form = new FormData()
        form.set('platform', options.platform)
        form.set('priority', String(options.priority))
        if (options.labels !== undefined) form.set('labels', options.labels)
        form.set('source', await blobOf(file), 'source.zip')
        if (options.certs !== undefined) form.set('certs', await blobOf(options.certs), 'certs.zip')
        const headers = { 'idempotency-key': options.idempotencyKey ?? randomUUID() }
        const build = await persistently(() => {
          const signal = AbortSignal.timeout(uploadMs)
          const init = { ...post, headers, body: form, signal }
          return controller.ask('/api/v2/builds/submit', init, parseSubmitted)
        }, terminal)
        const end = options.wait ? await waitForEnd(controller, build.id, terminal) : undefined
        const state = end?.state ?? build.status
        if (options.json) terminal.printJson({ ...build, status: state })
        else terminal.print(build.id)
        if (end) {
          const why = end.error_message === null ? '' : `: ${end.error_message}`
          terminal.note('the build is ', stateOf(end.state), why)
        }
        return end && end.state !== 'completed' ? 'failed' : 'ok'
      }),
    )
}

async function blobOf(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path)
  } catch (cause) {
    throw new Failure(`${path} cannot be read`, { exit: 'usage', cause })
  }
}

async function waitForEnd(controller: Controller, id: string, terminal: Terminal) {
  let last = ''
  for (;;) {
    const found = await persistently(
      () => controller.ask(`${pathOf(id)}/status`, {}, parseStatus),
      terminal,
    )
    const { state } = found
    if (!['pending', 'assigned', 'building'].includes(state)) return found
    terminal.progress([`${id} is ${state}`], state !== last)
    last = state
    await wait(1000)
  }
}

interface DownloadOptions extends ControllerOptions {
  output?: string
  source?: boolean
}

function registerDownload(builds: Command, terminal: Terminal): void {
  withController(builds.command('download'))
    .description('Downloads the result of a build, and prints the name of its file.')
    .argument('<id>', 'of the build')
    .option('--output <file>', 'where to (default: the id, as .ipa, .apk or .zip)')
    .option('--source', 'what was submitted in place of the result')
    .addHelpText(
      'after',
      `
The file has its name when it has come whole and its SHA-256 is right.

Example:
  $ corroport builds download k3v9q2m7x4c8w1z6 --output app.ipa`,
    )
    .action(
      terminal.action(async (id: string, options: DownloadOptions) => {
        const type = options.source ? 'source' : 'result'
        const response = await openController(options, terminal).open(
          `${pathOf(id)}/download/${type}`,
        )
        const given = /filename="([\w.-]+)"/.exec(
          response.headers.get('content-disposition') ?? '',
        )?.[1]
        const file = options.output ?? given ?? id
        const expected = response.headers.get('etag')?.replaceAll('"', '')
        const { bytes, sha256 } = await save(response, file, expected, terminal)
        if (options.json) terminal.printJson({ file, bytes, sha256 })
        else terminal.print(file)
        return 'ok'
      }),
    )
}

/** The file has its name when it has come whole and is what is stored. */
async function save(
  response: Response,
  file: string,
  expected: string | undefined,
  terminal: Terminal,
): Promise<{ bytes: number; sha256: string }> {
  const draft = `${file}.part`
  const total = (Number(response.headers.get('content-length')) / 1e6).toFixed(1)
  const hash = createHash('sha256')
  let bytes = 0
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      terminal.progress([`${(bytes / 1e6).toFixed(1)} of ${total} MB`], false)
      done(null, chunk)
    },
  })
  try {
    if (!response.body) throw new Error('no body')
    await pipeline(response.body, count, createWriteStream(draft))
    const sha256 = hash.digest('hex')
    if (sha256 !== expected) throw new Error(`what came has SHA-256 ${sha256}, not ${expected}`)
    await rename(draft, file)
    return { bytes, sha256 }
  } catch (cause) {
    await rm(draft, { force: true })
    const why = Error.isError(cause) ? cause.message : String(cause)
    throw new Failure(`not downloaded: ${why}`, { cause })
  }
}

function registerCancel(builds: Command, terminal: Terminal): void {
  withYes(withController(builds.command('cancel')))
    .description('Cancels a build. Its worker hears so with its next sign of life.')
    .argument('<id>', 'of the build')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds cancel k3v9q2m7x4c8w1z6 --yes`,
    )
    .action(
      terminal.action(async (id: string, options: ControllerOptions & YesOption) => {
        const controller = openController(options, terminal)
        if (!(await isMeant(`cancel build ${id}?`, options, terminal))) return 'failed'
        const reply = await controller.ask(`${pathOf(id)}/cancel`, post, parseDone)
        if (options.json) terminal.printJson(reply)
        else terminal.print(`${id} is cancelled`)
        return 'ok'
      }),
    )
}

function registerRetry(builds: Command, terminal: Terminal): void {
  withController(builds.command('retry'))
    .description('Makes another build of the same source, and prints its id.')
    .argument('<id>', 'of the build')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds retry k3v9q2m7x4c8w1z6`,
    )
    .action(
      terminal.action(async (id: string, options: ControllerOptions) => {
        const controller = openController(options, terminal)
        const build = await controller.ask(`${pathOf(id)}/retry`, post, parseSubmitted)
        if (options.json) terminal.printJson(build)
        else terminal.print(build.id)
        return 'ok'
      }),
    )
}

function registerDrain(builds: Command, terminal: Terminal): void {
  for (const [name, description] of [
    ['drain', 'Gives a worker nothing new; what it builds goes on.'],
    ['resume', 'Gives a worker builds again.'],
  ] as const) {
    withController(builds.command(name))
      .description(description)
      .argument('<worker>', 'its id')
      .addHelpText(
        'after',
        `
Example:
  $ corroport builds ${name} m8s2d5f9h1j4k7l0`,
      )
      .action(
        terminal.action(async (id: string, options: ControllerOptions) => {
          const path = `/api/v2/workers/${encodeURIComponent(id)}/${name}`
          const reply = await openController(options, terminal).ask(path, post, parseDone)
          if (options.json) terminal.printJson(reply)
          else
            terminal.print(name === 'drain' ? `${id} gets nothing new` : `${id} gets builds again`)
          return 'ok'
        }),
      )
  }
}

interface KeyOptions extends ControllerOptions {
  name: string
  role: string
}

function registerKeys(builds: Command, terminal: Terminal): void {
  const keys = builds.command('key').description('Who may submit builds, and who administers them.')
  const path = '/api/v2/keys'

  withController(keys.command('create'))
    .description('Makes a key and prints it, once: nobody can read it again.')
    .requiredOption('--name <name>', 'whose it is')
    .addOption(
      new Option('--role <role>', 'its own builds, or everything')
        .choices(['submitter', 'admin'])
        .default('submitter'),
    )
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds key create --name ci > ci.key`,
    )
    .action(
      terminal.action(async ({ name, role, ...options }: KeyOptions) => {
        const init = {
          ...post,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name, role }),
        }
        const made = await openController(options, terminal).ask(path, init, parseNewKey)
        if (options.json) terminal.printJson(made)
        else terminal.print(made.key)
        terminal.note(`key ${made.id} of ${made.name}: ${made.role}`)
        return 'ok'
      }),
    )

  withController(keys.command('list'))
    .description('Shows the keys, without their secrets.')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds key list`,
    )
    .action(
      terminal.action(async (options: ControllerOptions) => {
        const reply = await openController(options, terminal).ask(path, {}, parseKeys)
        if (options.json) terminal.printJson(reply)
        else {
          const rows = reply.keys.map(({ id, role, created_at, name }) => [
            id,
            role,
            created_at,
            name,
          ])
          printTable(['ID', 'ROLE', 'CREATED', 'NAME'], rows, terminal)
        }
        return 'ok'
      }),
    )

  withYes(withController(keys.command('revoke')))
    .description('Ends a key.')
    .argument('<id>', 'as list shows it')
    .addHelpText(
      'after',
      `
Example:
  $ corroport builds key revoke p5r8t2v6b9n3m1q7 --yes`,
    )
    .action(
      terminal.action(async (id: string, options: ControllerOptions & YesOption) => {
        const controller = openController(options, terminal)
        if (!(await isMeant(`revoke key ${id}?`, options, terminal))) return 'failed'
        const init = { method: 'DELETE' }
        const reply = await controller.ask(`${path}/${encodeURIComponent(id)}`, init, parseDone)
        if (options.json) terminal.printJson(reply)
        else terminal.print(`${id} is revoked`)
        return 'ok'
      }),
    )
}

function parsePriority(text: string): number {
  return text.startsWith('-') ? -parseWhole(0, 10)(text.slice(1)) : parseWhole(0, 10)(text)
}
