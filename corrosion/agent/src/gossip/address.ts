import { isIP, isIPv6 } from 'node:net'

export interface Address {
  host: string
  port: number
}

/** `127.0.0.1:8787` or `[::1]:8787`; undefined for anything that is not a literal address. */
export function parseAddress(text: string): Address | undefined {
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  if (parts === undefined) return undefined
  const host = parts.v6 ?? parts.v4 ?? ''
  const port = Number(parts.port)
  if (isIP(host) !== (parts.v6 === undefined ? 4 : 6) || port > 65_535) return undefined
  return { host: shortForm(host), port }
}

/** Equal addresses give equal texts. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${shortForm(host)}]:${port}` : `${host}:${port}`
}

function shortForm(host: string): string {
  return isIPv6(host) && !host.includes('%')
    ? new URL(`http://[${host}]`).hostname.slice(1, -1)
    : host
}
