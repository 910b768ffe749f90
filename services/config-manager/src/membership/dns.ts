import { Resolver } from 'node:dns/promises'
import type { DeclaredNode } from '@corroport/contracts'
import type { Logger } from 'pino'
import { joinAddress, nodesInText } from './dns-answers.ts'
import type { DnsSettings } from './settings.ts'

export interface Answer {
  nodes: DeclaredNode[]
  /** Why some of them may be missing. */
  error?: string | undefined
}

const timeoutMs = 1000
const tries = 2
// Longer than all tries of one question, by UDP and again by TCP.
const deadlineMs = 5000

/** One name, asked again with each call. Rejects when there is no answer at all. */
export function createDnsQuestion(
  { hostname, kind, server }: DnsSettings,
  log: Logger,
): (signal: AbortSignal) => Promise<Answer> {
  const toldMalformed = new Set<string>()

  const ask = async (resolver: Resolver): Promise<Answer> => {
    switch (kind) {
      case 'a': {
        const { addresses, error } = await resolveAddresses(resolver, hostname)
        return { nodes: addresses.map(nodeAt), error }
      }
      case 'srv':
        return await resolveServices(resolver, hostname)
      case 'txt': {
        const { nodes, malformed } = nodesInText(await resolver.resolveTxt(hostname))
        const untold = malformed.filter((pair) => !toldMalformed.has(pair))
        for (const pair of untold) toldMalformed.add(pair)
        if (untold.length > 0) log.warn({ hostname, pairs: untold }, 'pairs of txt left out')
        return { nodes }
      }
      default:
        throw new Error(`unreachable: kind ${String(kind satisfies never)}`)
    }
  }

  return async (caller) => {
    const resolver = new Resolver({ timeout: timeoutMs, tries })
    if (server !== undefined) resolver.setServers([server])
    const signal = AbortSignal.any([caller, AbortSignal.timeout(deadlineMs)])
    const cancel = (): void => resolver.cancel()
    signal.addEventListener('abort', cancel)
    try {
      return await ask(resolver)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }
}

async function resolveServices(resolver: Resolver, hostname: string): Promise<Answer> {
  const records = await resolver.resolveSrv(hostname)
  const targets = await Promise.all(
    records.map(async ({ name, port }) => {
      const { addresses, error } = await resolveAddresses(resolver, name)
      return { addresses: addresses.map((address) => joinAddress(address, port)), error }
    }),
  )
  // Servers turn the order of records with each answer.
  const addresses = [...new Set(targets.flatMap((target) => target.addresses))].toSorted()
  return {
    nodes: addresses.map(nodeAt),
    error: targets.find(({ error }) => error !== undefined)?.error,
  }
}

/** A name may well have addresses of one family only; anything else that fails is told. */
async function resolveAddresses(
  resolver: Resolver,
  hostname: string,
): Promise<{ addresses: string[]; error: string | undefined }> {
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ])
  const addresses = answers
    .flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    .toSorted()
  const failures = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [answer.reason as unknown] : [],
  )
  const failure =
    failures.find((reason) => !isNoData(reason)) ??
    (addresses.length === 0 ? failures[0] : undefined)
  const error = Error.isError(failure) ? failure.message : undefined
  return { addresses, error }
}

function isNoData(error: unknown): boolean {
  return (
    Error.isError(error) && 'code' in error && ['ENODATA', 'ENOTFOUND'].includes(String(error.code))
  )
}

function nodeAt(address: string): DeclaredNode {
  return { nodeId: null, address, region: null }
}
