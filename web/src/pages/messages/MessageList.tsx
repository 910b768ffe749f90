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

/** The messages of the time range, live: rows of the table, and what events tell of them. */
export function MessageList({ range }: { range: TimeRange }) {
  const { node, region, pages = 1 } = useSearch({ from: '/messages' })
  const navigate = useNavigate({ from: '/messages' })
  const isLive = range.until === undefined
  const queryKey = ['messages', 'listed', node, region, range.key, pages]
  const query = useQuery({
    queryKey,
    queryFn: () => readRows({ node, region, since: range.since() }, pages, range.until),
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
                `These are the newest ${formatCount(pages * pageSize)} rows: choose a later end of the time range, or a node.`
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

async function readRows(
  filter: { node: string | undefined; region: string | undefined; since: string },
  pages: number,
  until: string | undefined,
): Promise<Listed> {
  // The gateway lists from now on backwards: what is newer than the range is read and left out.
  const untilMs = until === undefined ? Infinity : Date.parse(until)
  const limit = until === undefined ? pageSize : 10 * pageSize
  const messages: MessageSummary[] = []
  let before: string | undefined
  for (let read = 0; read < mostPages && messages.length < pages * pageSize; read += 1) {
    const reply = await gateway.messages({ ...filter, before, limit })
    messages.push(...reply.messages.filter(({ sequence }) => sequence <= untilMs))
    if (reply.next === null) return { messages, isCut: false }
    before = reply.next
  }
  return { messages, isCut: true }
}
