import type { Reception } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { nodesQuery } from '../../api/queries.ts'
import { State } from '../../components/Badge.tsx'
import { Choice } from '../../components/Field.tsx'
import { FilterField } from '../../components/FilterField.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { textColumn } from '../../components/text-column.ts'
import { timeColumn } from '../../components/time-column.tsx'
import { formatCount } from '../../format/number.ts'
import { given } from '../../search.ts'
import { type MessagesSearch, messagesSearch } from './search.ts'

const everyMs = 5000
const limit = 200

/** What one node's ack-sender saw of messages of others, and how often. */
export function Receptions() {
  const { receiver, min = 1 } = useSearch({ from: '/messages' })
  const query = useQuery({
    queryKey: ['receptions', receiver, min],
    queryFn: () => gateway.receptions({ ...given({ node: receiver }), min, limit }),
    refetchInterval: everyMs,
    // Those of another node are none of this one.
    placeholderData: (data, before) => (before?.queryKey[1] === receiver ? data : undefined),
  })
  return (
    <DataPanel
      title="Receptions of a node"
      what="the receptions"
      query={query}
      everyMs={everyMs}
      actions={<Filters own={query.data?.node_id} />}
    >
      {({ receptions, total, node_id }) => (
        <>
          <div className="messages-rows">
            <Table
              caption={`Receptions of ${receiver ?? node_id}, last seen first`}
              file={`receptions-${receiver ?? node_id}`}
              columns={columns}
              rows={receptions}
              keyOf={({ pk, transport }) => `${pk} ${transport}`}
              empty={
                min === 1
                  ? 'It saw no message of another node yet: send one from another node.'
                  : `It saw no message ${min} times or more. States of one row that differ, and direct requests that are repeated, count.`
              }
            />
          </div>
          <p className="hint">
            n = {formatCount(total)}
            {total > receptions.length && `, the last ${receptions.length} are shown`}. Copies of
            gossip that change nothing are not visible to a client of Corrosion.
          </p>
        </>
      )}
    </DataPanel>
  )
}

function Filters({ own }: { own: string | undefined }) {
  const { receiver = '', min = 1 } = useSearch({ from: '/messages' })
  const navigate = useNavigate({ from: '/messages' })
  const { data } = useQuery(nodesQuery)
  const nodes = new Set([receiver, ...(data?.nodes ?? []).map(({ node_id }) => node_id)])
  nodes.delete('')
  const search = ({ receiver: wanted, min: least }: MessagesSearch): void =>
    void navigate({
      search: ({ receiver: _receiver, min: _min, ...old }) => ({
        ...old,
        ...given({ receiver: wanted, min: least }),
      }),
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <Choice
        label="Node"
        value={receiver}
        options={[
          { value: '', label: own === undefined ? 'its own' : `${own}, its own` },
          ...[...nodes].toSorted().map((value) => ({ value, label: value })),
        ]}
        onChange={(value) => search({ ...given({ receiver: value || undefined }), min })}
      />
      <FilterField
        label="Seen at least, times"
        type="number"
        value={String(min)}
        onFilter={(text) => search(messagesSearch({ receiver, min: text }))}
      />
    </>
  )
}

const columns: Column<Reception>[] = [
  timeColumn('last_seen', 'Last seen', ({ last_seen }) => last_seen),
  timeColumn('first_seen', 'First seen', ({ first_seen }) => first_seen),
  {
    id: 'pk',
    title: 'Message',
    value: ({ pk }) => pk,
    cell: ({ pk }) => (
      <Link
        from="/messages"
        to="."
        search={(old) => ({ ...old, message: pk })}
        replace
        resetScroll={false}
        title={pk}
      >
        <code>…{pk.slice(-8)}</code>
      </Link>
    ),
  },
  textColumn('origin', 'Origin', ({ origin_node_id }) => origin_node_id),
  textColumn('transport', 'Transport', ({ transport }) => transport),
  textColumn('via', 'By', ({ via }) => via),
  figureColumn('count', 'Times seen', ({ reception_count }) => reception_count, formatCount),
  {
    id: 'acknowledgement',
    title: 'Acknowledgement',
    value: ({ acknowledgement }) => acknowledgement,
    cell: ({ acknowledgement }) => <State of={acknowledgement} />,
  },
]
