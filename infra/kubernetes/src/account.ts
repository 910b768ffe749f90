import { ConvergenceReply, LedgerReply, QueryReply } from '@corroport/contracts'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { until } from './cluster-state.ts'
import type { ServiceClient } from './service-client.ts'

/** What became of what was sent, by what analytics has stored and the agents hold. */
export interface Account {
  accepted: number
  /** Answered as written, and not stored as accepted. */
  lostMessages: string[]
  /** Stored as accepted, and not answered so. */
  surplusMessages: string[]
  /** What happens once to a message, or once on a node, and is stored more often. */
  toldTwice: string[]
  /** `message node`: a node that should have acknowledged and has not. */
  lostAcks: string[]
  isLedgerBalanced: boolean
  isConverged: boolean
  /** Messages that the agents hold; null where they hold not as many. */
  rowsOnEach: number | null
}

const pageRows = 5000

const missingAcks = `
  SELECT concat_ws(' ', sent.message_id, expected.node ->> 'nodeId') AS lost
  FROM sent
  JOIN outcome USING (message_id, transport),
  LATERAL jsonb_array_elements(sent.expected) AS expected(node)
  WHERE outcome.state = 'accepted'
  AND concat_ws(' ', sent.message_id, expected.node ->> 'nodeId') > :after
  AND NOT EXISTS (
    SELECT FROM ack
    WHERE ack.message_id = sent.message_id AND ack.node_id = expected.node ->> 'nodeId'
  )
  AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(CAST(:left AS jsonb)) AS gone(node text, since timestamptz)
    WHERE gone.node = expected.node ->> 'nodeId' AND sent.sent_at >= gone.since
  )
  ORDER BY lost`

const repeatedFacts = `
  SELECT told FROM (
    SELECT concat_ws(' ', message_id, 'sent') AS told FROM sent
    UNION ALL SELECT concat_ws(' ', message_id, 'settled') FROM outcome
    UNION ALL SELECT concat_ws(' ', message_id, 'received by', node_id) FROM receipt
    UNION ALL SELECT concat_ws(' ', message_id, 'acknowledged by', node_id) FROM ack
  ) AS fact
  WHERE told > :after GROUP BY told HAVING count(*) > 1 ORDER BY told`

/** Waits until all is stored and all nodes hold the same, or too long. */
export async function takeAccount(
  client: ServiceClient,
  sent: {
    answered: ReadonlySet<string>
    /** Since when a node that has left is waited for no more. */
    left: ReadonlyMap<string, Date>
    deadlineMs: number
  },
): Promise<Account> {
  let account: Account | undefined
  await until('the account', sent.deadlineMs, async () => {
    account = await look(client, sent)
    const { lostMessages, lostAcks, isConverged, isLedgerBalanced } = account
    if (lostMessages.length > 0) return `${lostMessages.length} messages not stored`
    if (lostAcks.length > 0) return `${lostAcks.length} acknowledgements not stored`
    if (!isLedgerBalanced) return 'the ledger is not balanced'
    return isConverged ? undefined : 'nodes differ'
  }).catch((error: unknown) => {
    // Too late: what it looks like by now is the result.
    if (account === undefined) throw error
  })
  if (account === undefined) throw new Error('unreachable: looked, and found nothing')
  return account
}

async function look(
  client: ServiceClient,
  { answered, left }: { answered: ReadonlySet<string>; left: ReadonlyMap<string, Date> },
): Promise<Account> {
  // First, since each query is a record itself.
  const ledger = await client.get('/api/analytics/ledger', LedgerReply)
  const accepted = await readColumn(
    client,
    "SELECT message_id FROM outcome WHERE state = 'accepted' AND message_id > :after ORDER BY 1",
  )
  const lostAcks = await readMissingAcks(client, left)
  const toldTwice = await readColumn(client, repeatedFacts)
  const isStored = ledger.streams.every(
    ({ is_current, missing_records, refused, waiting }) =>
      missing_records === 0 && refused === 0 && (!is_current || waiting === 0),
  )
  const { is_converged, tables } = await client.get('/api/cluster/convergence', ConvergenceReply)
  const stored = new Set(accepted)
  return {
    accepted: stored.size,
    lostMessages: [...answered].filter((id) => !stored.has(id)),
    surplusMessages: accepted.filter((id) => !answered.has(id)),
    toldTwice,
    lostAcks,
    isLedgerBalanced: ledger.is_balanced && isStored,
    isConverged: is_converged,
    rowsOnEach: tables.find(({ table }) => table === 'node_messages')?.rows ?? null,
  }
}

/** How many messages that were sent before this moment the node has still to acknowledge. */
export async function countOwed(
  client: ServiceClient,
  nodeId: string,
  before: Date,
): Promise<number> {
  const missing = await readMissingAcks(client, new Map([[nodeId, before]]))
  return missing.filter((each) => each.endsWith(` ${nodeId}`)).length
}

function readMissingAcks(
  client: ServiceClient,
  left: ReadonlyMap<string, Date>,
): Promise<string[]> {
  const gone = [...left].map(([node, since]) => ({ node, since }))
  return readColumn(client, missingAcks, { left: JSON.stringify(gone) })
}

const Texts = Type.Array(Type.Tuple([Type.String()]))

/** All values of a query that takes up after the last value it gave. */
async function readColumn(
  client: ServiceClient,
  sql: string,
  params: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const { results } = await client.post(
      '/api/query',
      {
        source: 'analytics',
        sql: `${sql} LIMIT ${pageRows}`,
        params: { ...params, after: values.at(-1) ?? '' },
        max_rows: pageRows,
        timeout_ms: 10_000,
      },
      QueryReply,
    )
    const [result] = results
    if (!result?.table) throw new Error(`analytics did not answer: ${result?.error}`)
    const page = Value.Parse(Texts, result.table.rows).flat()
    values.push(...page)
    if (page.length === 0) return values
  }
}
