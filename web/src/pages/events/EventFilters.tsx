import { liveTopics } from '@corroport/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useEffectEvent, useId, useState } from 'react'
import { Choice, Field } from '../../components/Field.tsx'
import { eventFilters } from './event-names.ts'
import { everyRecord, filterProblem, filtersOf, hasTopic, toggleTopic } from './filters.ts'
import { type EventsSearch, eventsSearch, highestRate, usualRate } from './search.ts'

const topics = Object.keys(liveTopics) as (keyof typeof liveTopics)[]
const suggestions = [...new Set([...Object.values(liveTopics).flat(), ...eventFilters])]
const rates = [10, 50, usualRate, 1000, highestRate]

/** Which events, at most how many, with what in them. */
export function EventFilters() {
  const { subjects, q, rate = usualRate } = useSearch({ from: '/events' })
  const navigate = useNavigate({ from: '/events' })
  const listId = useId()
  const filters = subjects === undefined ? everyRecord : filtersOf(subjects)
  const change = (part: { [Key in keyof EventsSearch]: EventsSearch[Key] | undefined }): void =>
    void navigate({
      search: ({ subjects: s, q: text, rate: r, paused, ...rest }) => ({
        ...rest,
        ...eventsSearch({ subjects: s, q: text, rate: r, paused, ...part }),
      }),
      replace: true,
    })
  const setFilters = (next: readonly string[]): void =>
    change({ subjects: next.length === 0 ? undefined : next.join(',') })

  return (
    <div className="events-filters">
      <Subjects
        key={subjects}
        subjects={subjects ?? ''}
        listId={listId}
        onChange={(list) => setFilters(filtersOf(list))}
      />
      <datalist id={listId}>
        {suggestions.map((filter) => (
          <option key={filter} value={filter}>
            {filter}
          </option>
        ))}
      </datalist>
      <div className="events-topics" role="group" aria-label="Topics">
        {topics.map((topic) => (
          <button
            key={topic}
            type="button"
            aria-pressed={subjects !== undefined && hasTopic(filters, topic)}
            title={liveTopics[topic].join(', ')}
            onClick={() => setFilters(toggleTopic(subjects === undefined ? [] : filters, topic))}
          >
            {topic}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={subjects === undefined}
          onClick={() => change({ subjects: undefined })}
        >
          every record
        </button>
      </div>
      <div className="row">
        <SearchText text={q ?? ''} onChange={(text) => change({ q: text })} />
        <Choice
          label="Events a second, at most"
          value={String(rate)}
          options={[...new Set([...rates, rate])]
            .toSorted((a, b) => a - b)
            .map((each) => ({ value: String(each), label: String(each) }))}
          onChange={(value) => {
            const next = Number(value)
            change({ rate: next === usualRate ? undefined : next })
          }}
        />
      </div>
    </div>
  )
}

// The address follows what is typed, not the other way round.
const restMs = 200

function SearchText({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text)
  const [known, setKnown] = useState(text)
  if (text !== known) {
    setKnown(text)
    if (text !== typed) setTyped(text)
  }
  const tell = useEffectEvent(onChange)
  useEffect(() => {
    if (typed === text) return undefined
    const timer = setTimeout(() => tell(typed), restMs)
    return () => clearTimeout(timer)
  }, [typed, text])
  return (
    <Field
      label="Text in subject or payload"
      type="search"
      maxLength={200}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
    />
  )
}

interface SubjectsProps {
  subjects: string
  listId: string
  onChange: (list: string) => void
}

/** Opens another stream only when somebody is done with typing. */
function Subjects({ subjects, listId, onChange }: SubjectsProps) {
  const [text, setText] = useState(subjects)
  const problem = filterProblem(text)
  const apply = (event?: FormEvent): void => {
    event?.preventDefault()
    if (problem === undefined && text !== subjects) onChange(text)
  }
  return (
    <form onSubmit={apply}>
      <Field
        label="Subjects"
        hint="filters as of NATS, with commas; Enter applies them"
        placeholder="every record"
        list={listId}
        className="mono"
        maxLength={2000}
        value={text}
        error={problem}
        onChange={({ target }) => setText(target.value)}
        onBlur={() => apply()}
      />
    </form>
  )
}
