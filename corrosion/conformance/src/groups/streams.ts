import { post } from '../agent-process.ts'
import type { Case, Group, World } from '../conformance-case.ts'
import type { LineFeed } from '../raw-http.ts'
import { type RecordedStep, readRecording } from '../recordings.ts'
import { headLinesOf } from '../transcript.ts'

/** Longer than the 600 ms after which a subscription looks at what was written. */
export const quietMs = 1_000

/** One subscription's life as it was recorded, step by step. */
export function streamsGroup(): Group {
  const feeds = new Map<string, LineFeed>()
  const steps = new Map(readRecording('v1.0.0', 'streams').map((step) => [step.step, step]))
  const recorded = (name: string): RecordedStep => {
    const step = steps.get(name)
    if (step === undefined) throw new Error(`the recording has no step "${name}"`)
    return step
  }
  const feed = (name: string): LineFeed => {
    const found = feeds.get(name)
    if (found === undefined) throw new Error(`the stream "${name}" was not opened`)
    return found
  }
  const takeOf = async (from: LineFeed, lines: readonly string[]) =>
    lines.length === 0 ? await from.takeFor(quietMs) : await from.take(lines.length)

  /** Opens a stream; with the headers only where the recording has them. */
  const opens = (
    step: string,
    request: (step: RecordedStep, id: string) => ReturnType<typeof post>,
  ) => {
    const { headers, lines = [] } = recorded(step)
    const head = (status: number, of: readonly (readonly [string, string])[]) =>
      headers === undefined ? [String(status)] : headLinesOf({ status, headers: of })
    return stepCase(
      step,
      [...head(200, Object.entries(headers ?? {})), ...lines],
      async ({ node }) => {
        const id = feeds.size === 0 ? '' : queryIdOf(feed('subscribe with one matching row'))
        const opened = await node.open(request(recorded(step), id))
        feeds.set(step, opened)
        return [...head(opened.status, opened.headers), ...(await takeOf(opened, lines))]
      },
    )
  }
  /** Writes; what the first stream then tells. */
  const writes = (step: string) => {
    const { transaction, lines = [] } = recorded(step)
    return stepCase(step, lines, async ({ node }) => {
      await node.transact(...(Array.isArray(transaction) ? transaction : [transaction]))
      return takeOf(feed('subscribe with one matching row'), lines)
    })
  }
  const subscribe = ({ request }: RecordedStep) => post('/v1/subscriptions', request?.body)
  const first = recorded('subscribe with one matching row')
  const byId = (query: string) => (_: RecordedStep, id: string) => ({
    method: 'GET',
    path: `/v1/subscriptions/${id}${query}`,
  })

  return {
    name: 'streams',
    nodeCount: 1,
    cases: [
      prepared("INSERT INTO node_messages(pk,message,region) VALUES('s1','one','lab')"),
      opens('subscribe with one matching row', subscribe),
      ...[...steps.values()].flatMap(({ step, transaction, received }) =>
        transaction === undefined || received !== undefined ? [] : [writes(step)],
      ),
      opens('second subscriber, same text', () => subscribe(first)),
      opens('same query, other text', subscribe),
      opens('get by id without from', byId('')),
      opens('get by id from=3', byId('?from=3')),
      opens('get by id from beyond the end', byId('?from=1000')),
      opens('get by id skip_rows=true', byId('?skip_rows=true')),
      opens('post from=3 to an existing subscription', () =>
        post('/v1/subscriptions?from=3', first.request?.body),
      ),
      seenByAll(),
      opens('with a parameter', subscribe),
      keyOnly(),
    ],
  }

  function seenByAll(): Case {
    const step = recorded('one update seen by all open streams')
    const parts = [
      ['first', 'subscribe with one matching row', step.first ?? []],
      ['second', 'second subscriber, same text', step.second ?? []],
      ['skipRows', 'get by id skip_rows=true', step.skipRows ?? []],
      ['beyond', 'get by id from beyond the end', step.skipRows ?? []],
    ] as const
    return stepCase(
      step.step,
      parts.flatMap(([name, , lines]) => lines.map((line) => `${name}: ${line}`)),
      async ({ node }) => {
        await node.transact("UPDATE node_messages SET message='all' WHERE pk='s9'")
        const told = parts.map(async ([name, stream, lines]) =>
          (await feed(stream).take(lines.length)).map((line) => `${name}: ${line}`),
        )
        return (await Promise.all(told)).flat()
      },
    )
  }

  function keyOnly(): Case {
    const step = recorded('key-only subscription does not see an insert')
    return stepCase(
      step.step,
      [...(step.lines ?? []), '{"change":["delete",6,["s9"],1]}'],
      async ({ node }) => {
        using opened = await node.open(subscribe(step))
        // Its snapshot: columns, the rows that are there, the end.
        await opened.take(2 + (await node.rows('SELECT pk FROM node_messages')).length)
        await node.transact("INSERT INTO node_messages(pk) VALUES('k1')")
        const lines = await opened.takeFor(quietMs)
        await node.transact("DELETE FROM node_messages WHERE pk='s9'")
        return [...lines, ...(await opened.take(1))]
      },
    )
  }
}

function prepared(...statements: string[]): Case {
  return stepCase('prepared', [], async ({ node }) => {
    await node.transact(...statements)
    return []
  })
}

function stepCase(
  step: string,
  expected: readonly string[],
  run: (world: World) => Promise<readonly string[]>,
): Case {
  return { name: `stream: ${step}`, expected, run }
}

function queryIdOf({ headers }: LineFeed): string {
  return headers.find(([name]) => name === 'corro-query-id')?.[1] ?? ''
}
