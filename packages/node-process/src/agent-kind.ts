import { setTimeout as wait } from 'node:timers/promises'

const developmentServer = 'corroport-development-agent'
const askEveryMs = 250
const answerTimeoutMs = 2000

/** Asks until the agent answers, whatever it answers. Undefined when `stopped` came first. */
export async function agentKindAt(
  url: string,
  stopped: Promise<unknown>,
): Promise<'development' | 'real' | undefined> {
  const asking = new AbortController()
  void stopped.then(() => asking.abort())
  while (!asking.signal.aborted) {
    try {
      const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(answerTimeoutMs)])
      const { headers, body } = await fetch(url, { signal, redirect: 'manual' })
      await body?.cancel()
      return headers.get('server') === developmentServer ? 'development' : 'real'
    } catch {
      // It does not listen yet, or hangs: it is waited for.
      await wait(askEveryMs, undefined, { signal: asking.signal }).catch(() => undefined)
    }
  }
  return undefined
}
