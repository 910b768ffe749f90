import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { nodesQuery } from '../../api/queries.ts'
import { Choice } from '../../components/Field.tsx'
import { given } from '../../search.ts'

/** Of whom the messages are. */
export function MessageFilters() {
  const { node = '', region = '' } = useSearch({ from: '/messages' })
  const navigate = useNavigate({ from: '/messages' })
  const { data } = useQuery(nodesQuery)
  const nodes = data?.nodes ?? []
  const filter = (part: { node?: string; region?: string }): void =>
    void navigate({
      search: ({ pages: _pages, ...old }) => {
        const next = { ...old, ...part }
        return given({ ...next, node: next.node || undefined, region: next.region || undefined })
      },
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <Choice
        label="Sent by"
        value={node}
        options={optionsOf(
          nodes.map(({ node_id }) => node_id),
          node,
          'every node',
        )}
        onChange={(chosen) => filter({ node: chosen })}
      />
      <Choice
        label="In region"
        value={region}
        options={optionsOf(
          nodes.flatMap((each) => each.region ?? []),
          region,
          'every region',
        )}
        onChange={(chosen) => filter({ region: chosen })}
      />
    </>
  )
}

function optionsOf(values: string[], chosen: string, every: string) {
  const known = new Set(chosen === '' ? values : [...values, chosen])
  return [
    { value: '', label: every },
    ...[...known].toSorted().map((value) => ({ value, label: value })),
  ]
}
