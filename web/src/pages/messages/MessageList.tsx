import type { MessageSummary } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { formatCount } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { MessageFilters } from './MessageFilters.tsx'
import { MessageTable } from './MessageTable.tsx'
import { type MessagesSearch, mostPages } from './search.ts'

const everyMs = 10_000
const pageSize = 100
const mostOfReply = 1000

/** The messages of the time range, live: rows of the table, and what events tell of them. */
export function MessageList({ range }: { range: TimeRange }) {
  const { node, region, pages = 1 } = useSearch({ from: '/messages' })
  const navigate = useNavigate({ from: '/messages' })
  const isLive = range.until === undefined
  const queryKey = ['messages', 'listed', node, region, range.key, pages]
  const query = useQuery({
    queryKey,
    queryFn: () =>
      readRows({ node, region, since: range.since(), until: range.until }, pages * pageSize),
    refetchInterval: isLive ? everyMs : false,
    placeholderData: keepPreviousData,
  })
  useRefetchOn(
    { topics: ['messages'] },
    queryKey,
    ({ name }) => isLive && name === 'message.accepted',
  )

  const search = (part: MessagesSearch): void =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true, resetScroll: false })
  return (
    <DataPanel
      title="Messages"
      what="the messages"
      query={query}
      {...(isLive ? { everyMs } : {})}
      actions={<MessageFilters />}
    >
      {({ messages, isCut }) => (
        <>
          <MessageTable messages={messages} isCut={isCut} range={range} />
          {isCut && (
            <p className="hint">
              Older ones are not shown.{' '}
              {pages < mostPages ? (
                <button type="button" onClick={() => search({ pages: pages + 1 })}>
                  Show {pageSize} more
                </button>
              ) : (
                `These are the newest ${formatCount(pages * pageSize)} rows: choose an earlier end of the time range, or a node.`
              )}
            </p>
          )}
        </>
      )}
    </DataPanel>
  )
}

interface Listed {
  messages: MessageSummary[]
  /** There are older ones. */
  isCut: boolean
}

type Filter = Omit<Parameters<typeof gateway.messages>[0], 'before' | 'limit'>

async function readRows(filter: Filter, most: number): Promise<Listed> {
  const messages: MessageSummary[] = []
  let before: string | undefined
  // A reply has fewer where their texts are long.
  do {
    const limit = Math.min(mostOfReply, most - messages.length)
    const reply = await gateway.messages({ ...filter, before, limit })
    messages.push(...reply.messages)
    before = reply.next ?? undefined
  } while (before !== undefined && messages.length < most)
  return { messages, isCut: before !== undefined }
}
