import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from './answer.ts'

export interface GuardOptions {
  bearerToken: string | undefined
  endpointName: string | undefined
}

const visibleAscii = /^[\t\x20-\x7e]*$/

/** Refuses what asks for another endpoint, then what lacks the token; undefined when all is well. */
export function createGuard({
  bearerToken,
  endpointName,
}: GuardOptions): (headers: IncomingHttpHeaders) => Answer | undefined {
  return (headers) => {
    const asked = headers['x-corrosion-requested-endpoint-name']
    if (endpointName !== undefined && typeof asked === 'string') {
      if (!visibleAscii.test(asked)) return { status: 400 }
      if (asked !== endpointName) return { status: 421 }
    }
    const { authorization } = headers
    const token = authorization === undefined ? undefined : bearerTokenOf(authorization)
    // Another scheme is refused where no token is wanted, too.
    if (authorization !== undefined && token === undefined) {
      return {
        status: 400,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: 'invalid HTTP header (authorization)',
      }
    }
    return bearerToken === undefined || token === bearerToken ? undefined : { status: 401 }
  }
}

function bearerTokenOf(authorization: string): string | undefined {
  if (!visibleAscii.test(authorization)) return undefined
  return /^bearer (.*)$/i.exec(authorization)?.[1]?.trimStart()
}
