import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { SetupError } from './setup-error.mjs'

const versionTimeoutMs = 10_000

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false // whatever the reason, it cannot be run
  }
}

/** The programs of that name on PATH, first one first. */
export function onPath(name, env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .filter(isProgram)
}

/** The program that a variable names; a wrong name is an error, never a reason to look further. */
export function namedProgram(variable, env) {
  const path = env[variable] ?? ''
  if (path === '' || isProgram(path)) return path === '' ? undefined : path
  throw new SetupError(
    `${variable} is ${path}, which is not a program that can be run.`,
    `correct ${variable}, or unset it.`,
  )
}

/** First line of `program --version`; undefined where it does not run on this machine. */
export function versionLine(path) {
  const { status, stdout } = spawnSync(path, ['--version'], {
    encoding: 'utf8',
    timeout: versionTimeoutMs,
  })
  return status === 0 ? stdout.split('\n')[0] : undefined
}

export function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '')
  return match ? [1, 2, 3].map((group) => Number(match[group] ?? 0)) : undefined
}

export function isAtLeast(version, minimum) {
  const [major, minor, patch] = version
  return (
    ([major - minimum[0], minor - minimum[1], patch - (minimum[2] ?? 0)].find((d) => d !== 0) ??
      0) >= 0
  )
}

/** Half of an installation never has the final name. */
export function putInPlace(partial, final) {
  rmSync(final, { recursive: true, force: true })
  renameSync(partial, final)
}

export function link(target, path) {
  const aside = `${path}.${process.pid}`
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, aside)
  renameSync(aside, path)
}
