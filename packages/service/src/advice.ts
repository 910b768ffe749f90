/** What a person can do about a failure; undefined where nothing is known. */
export function adviceFor(
  error: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  for (let each = error; Error.isError(each); each = each.cause) {
    const advice = adviceForOne(each, environment)
    if (advice !== undefined) return advice
  }
  return undefined
}

const volumeFull = 'make room on the volume of STATE_DIR, or make it larger'
const unwritable =
  'STATE_DIR has to be a folder that the user of this process may write; give it to that user'

function adviceForOne(
  error: Error & { code?: unknown; errcode?: unknown; port?: number; address?: string },
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  switch (error.code) {
    case 'EADDRINUSE': {
      const named = Object.keys(environment).filter(
        (name) => name.endsWith('_PORT') && environment[name] === String(error.port),
      )
      return `port ${error.port} is taken: end who listens there, or set another ${named.join(' or ') || 'one'}`
    }
    case 'EADDRNOTAVAIL':
      return `${error.address} is no address of this machine: set METRICS_HOST, API_HOST and PEER_HOST to one that is`
    case 'EACCES':
      return error.port === undefined
        ? unwritable
        : `port ${error.port} needs more rights: set one above 1023`
    case 'ENOSPC':
    case 'EDQUOT':
      return volumeFull
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EROFS':
    case 'EPERM':
      return unwritable
    case 'ERR_SQLITE_ERROR':
      return bySqlite[Number(error.errcode)]
    default:
      return undefined
  }
}

/** SQLITE_READONLY, SQLITE_FULL and SQLITE_CANTOPEN. */
const bySqlite: Readonly<Record<number, string>> = { 8: unwritable, 13: volumeFull, 14: unwritable }
