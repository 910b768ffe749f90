import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Programs of this clone: `npx corroport` looks here for what `npm start` brought in. */
export const projectPrograms = join(root, '.corroport/bin')

/** What takes minutes to get is kept outside the work tree, for every clone of this user. */
export function cacheFolder(env) {
  const given = env.XDG_CACHE_HOME ?? ''
  // The XDG specification says that a relative path is to be ignored.
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'corroport')
}
