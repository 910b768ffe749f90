import { readFileSync } from 'node:fs'
import { ContractError, type Parse } from '@corroport/contracts'
import { type Command, Option } from 'commander'
import type { Static, TSchema } from 'typebox'
import { Failure } from './failure.ts'
import { RefusedError, UnreachedError } from './gateway-client.ts'
import { jsonOption, parseHttpUrl } from './gateway-options.ts'
import type { Terminal } from './terminal.ts'

export interface ControllerOptions {
  controller?: URL
  json?: boolean
}

/** The options of every command that asks a build controller. */
export function withController(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--controller <url>',
        'address of a build controller (or env BUILD_CONTROLLER_URL; default: http://localhost:4444)',
      ).argParser(parseHttpUrl),
    )
    .addOption(jsonOption())
}

/** The HTTP API of a build controller. */
export interface Controller {
  ask<S extends TSchema>(path: string, init: RequestInit, parse: Parse<S>): Promise<Static<S>>
  /** An answer whose body is read as it comes. */
  open(path: string, init?: RequestInit): Promise<Response>
}

const answerMs = 60_000

/** The key, where there is one, is sent to this address only: redirects are not followed. */
export function openController(options: ControllerOptions, terminal: Terminal): Controller {
  const { BUILD_CONTROLLER_URL: given } = terminal.environment
  const url = options.controller ?? URL.parse(given ?? 'http://localhost:4444')
  if (!url) throw new Failure('BUILD_CONTROLLER_URL is no http address', { exit: 'usage' })
  const key = keyOf(terminal.environment)

  const open = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (key !== undefined) headers.set('x-api-key', key)
    let response: Response
    try {
      response = await fetch(new URL(path, url), { ...init, headers, redirect: 'manual' })
    } catch (cause) {
      throw unreached(url, cause)
    }
    if (response.ok) return response
    throw await refusal(url, response, key !== undefined)
  }

  return {
    open,
    async ask(path, init, parse) {
      const response = await open(path, { signal: AbortSignal.timeout(answerMs), ...init })
      try {
        return parse(await response.json())
      } catch (error) {
        throw error instanceof ContractError || error instanceof SyntaxError
          ? new Failure(`${url.origin} is no build controller of this version: ${error.message}`)
          : unreached(url, error)
      }
    },
  }
}

/** From the environment only: arguments can be read by everybody on the machine. */
function keyOf(environment: Terminal['environment']): string | undefined {
  const { CONTROLLER_API_KEY: given, CONTROLLER_API_KEY_FILE: file } = environment
  if (given && file) {
    throw new Failure('CONTROLLER_API_KEY and CONTROLLER_API_KEY_FILE are both set: keep one', {
      exit: 'usage',
    })
  }
  if (!file) return given || undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new Failure(`CONTROLLER_API_KEY_FILE ${file} cannot be read`, { exit: 'usage', cause })
  }
}

async function refusal(url: URL, response: Response, hasKey: boolean): Promise<Failure> {
  const text = await response.text().catch(() => '')
  const { status } = response
  if (status === 401 && !hasKey) {
    return new RefusedError(
      status,
      'a key is asked for: set CONTROLLER_API_KEY, or CONTROLLER_API_KEY_FILE to its file',
    )
  }
  let detail = ''
  try {
    const body: unknown = JSON.parse(text)
    const isNamed = typeof body === 'object' && body !== null && 'error' in body
    if (isNamed && typeof body.error === 'string') detail = body.error
  } catch {
    // No controller answers so; its status says enough.
  }
  return new RefusedError(status, detail === '' ? `${url.origin} answered ${status}` : detail)
}

function unreached(url: URL, cause: unknown): UnreachedError {
  const reason = Error.isError(cause) && Error.isError(cause.cause) ? cause.cause : cause
  const why = Error.isError(reason) ? reason.message : String(reason)
  return new UnreachedError(
    `${url.origin} is not reached (${why}): start one with npm start -- --builds, or give --controller`,
    { cause },
  )
}
