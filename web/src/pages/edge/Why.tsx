import type { EdgeWhyReply } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Answer } from '../../components/Answer.tsx'
import { Field } from '../../components/Field.tsx'
import { Panel } from '../../components/Panel.tsx'
import { given } from '../../search.ts'
import { Candidates } from './Candidates.tsx'

/** Where a client would be sent now, why, and where if some backends died. */
export function Why({ pop }: { pop: string }) {
  const { client, wanted, without } = useSearch({ from: '/edge' })
  return (
    <Panel title="Where would a client be sent?" className="wide">
      <Question key={`${client} ${wanted} ${without}`} />
      {client === undefined ? (
        <p className="empty">
          Give the address of a client. Nothing is sent: {pop} says what it would do now.
        </p>
      ) : (
        <Found pop={pop} client={client} wanted={wanted} without={without} />
      )}
    </Panel>
  )
}

function Question() {
  const search = useSearch({ from: '/edge' })
  const navigate = useNavigate({ from: '/edge' })
  const [client, setClient] = useState(search.client ?? '')
  const [wanted, setWanted] = useState(search.wanted ?? '')
  const [without, setWithout] = useState(search.without ?? '')
  const ask = (event: FormEvent): void => {
    event.preventDefault()
    const asked = { client: client.trim(), wanted: wanted.trim(), without: without.trim() }
    const filled = Object.fromEntries(
      Object.entries(asked).map(([name, value]) => [name, value === '' ? undefined : value]),
    )
    void navigate({
      search: ({ pop, app }) => ({ ...given({ pop, app }), ...given(filled) }),
      replace: true,
      resetScroll: false,
    })
  }
  return (
    <form className="toolbar" onSubmit={ask}>
      <Field
        label="Address of the client"
        placeholder="203.0.113.7"
        value={client}
        onChange={({ target }) => setClient(target.value)}
      />
      <Field
        label="App"
        placeholder="any"
        value={wanted}
        onChange={({ target }) => setWanted(target.value)}
      />
      <Field
        label="As if these were dead"
        placeholder="ids, by commas"
        value={without}
        onChange={({ target }) => setWithout(target.value)}
      />
      <button type="submit" className="primary">
        Ask
      </button>
    </form>
  )
}

interface FoundProps {
  pop: string
  client: string
  wanted: string | undefined
  without: string | undefined
}

function Found({ pop, client, wanted, without }: FoundProps) {
  const query = useQuery({
    queryKey: ['edge-why', pop, client, wanted, without],
    queryFn: () => gateway.edgeWhy(pop, { client, app: wanted, without }),
    retry: false,
  })
  return (
    <Answer query={query} what="the explanation">
      {(reply) => (
        <>
          <p>{whereText(reply, pop)}</p>
          <p>
            <strong>{chosenText(reply)}</strong>
          </p>
          <Candidates of={reply.candidates} about={client} />
        </>
      )}
    </Answer>
  )
}

function whereText({ client, country, region, ownRegion, affinity }: EdgeWhyReply, pop: string) {
  const place =
    country === null ? 'a country that is not known' : `${country}, region ${region ?? 'none'}`
  const own = ownRegion === null ? 'no region' : `region ${ownRegion}`
  const before = affinity === null ? '' : ` It has had ${affinity}, which has room.`
  return `${client} is in ${place}; ${pop} is in ${own}.${before}`
}

function chosenText({ chosen }: EdgeWhyReply): string {
  const [first, ...others] = chosen
  if (!first) return 'It would be sent nowhere.'
  if (others.length === 0) return `It would be sent to ${first.id}.`
  const shares = chosen.map(({ id, share }) => `${id} (${Math.round(share * 100)} %)`)
  return `It would be sent to one of ${shares.join(', ')}.`
}
