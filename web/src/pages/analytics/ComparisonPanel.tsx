import type { Comparison } from '@corroport/contracts'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Static } from 'typebox'
import { messageOf } from '../../api/errors.ts'
import { Answer, AnswerAge } from '../../components/Answer.tsx'
import { Empty } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { Twin } from '../../components/Twin.tsx'
import { formatCount } from '../../format/number.ts'
import { ComparisonPicture } from './ComparisonPicture.tsx'
import { ComparisonTable } from './ComparisonTable.tsx'
import { comparisonQuery } from './queries.ts'
import { seriesOf } from './series-of-runs.ts'
import { type SideName, useSide } from './useSide.ts'

/** Two sides, each an experiment or a series of like ones, and what may be concluded. */
export function ComparisonPanel() {
  const { a, b } = useSearch({ from: '/analytics' })
  return (
    <Panel title="Comparison" actions={<ClearSides />}>
      <div className="analytics-sides">
        <Side side="a" />
        <Side side="b" />
      </div>
      {a !== undefined && b !== undefined ? (
        <Compared key={`${a} ${b}`} a={a} b={b} />
      ) : (
        <Empty>
          Put an experiment on side {a === undefined ? 'A' : 'B'} too, with its button in the list.
          The same one on both sides checks the bench itself: A versus A.
        </Empty>
      )}
    </Panel>
  )
}

function Compared({ a, b }: { a: string; b: string }) {
  const query = useQuery(comparisonQuery(a, b))
  return (
    <Answer
      query={query}
      what={`the comparison of ${a} with ${b}`}
      loading={`Comparing ${a} with ${b}: thousands of resamples take some seconds …`}
    >
      {({ comparison }) => (
        <>
          <Verdict comparison={comparison} a={a} b={b} />
          <p className="hint">
            Computed <AnswerAge query={query} />.
          </p>
        </>
      )}
    </Answer>
  )
}

interface VerdictProps {
  comparison: Static<typeof Comparison>
  a: string
  b: string
}

function Verdict({ comparison, a, b }: VerdictProps) {
  const { figures, warnings, sentence, unit, units, resamples, seed } = comparison
  const isItself = a.split(',').toSorted().join() === b.split(',').toSorted().join()
  const sizeOf = ({ messages, acks }: { messages: number; acks: number }) =>
    `${formatCount(messages)} messages, ${formatCount(acks)} acks`
  return (
    <>
      <p className="analytics-verdict">{sentence}</p>
      {isItself && (
        <p className="note info">
          A versus A: the same {unit} in two random halves. It should find no difference; chance
          finds one in up to 5 of 100 such checks. Where there is one again and again, the machine
          or the network is not quiet enough to compare anything.
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning} className="note warn">
          {warning}
        </p>
      ))}
      <Twin
        id="differences"
        picture={<ComparisonPicture figures={figures} />}
        table={<ComparisonTable figures={figures} />}
      />
      <p className="hint">
        A: {sizeOf(comparison.a)}; B: {sizeOf(comparison.b)}; {units[0]} and {units[1]} {unit} drawn{' '}
        {formatCount(resamples)} times, seed {seed}. Differences are B less A, with 95 % bootstrap
        intervals; p-values of a permutation test are corrected after Holm.{' '}
        {unit === 'blocks' &&
          'Blocks of consecutive messages were drawn: this says nothing about what differs from one run, or one day, to the next. Five runs on each side do.'}
      </p>
      <dl className="analytics-verdicts">
        <dt>different</dt>
        <dd>
          p is below 5 %, and the interval leaves out 0: chance alone does so in at most 1 of 20
          such comparisons
        </dd>
        <dt>not-shown</dt>
        <dd>
          no difference could be shown. That is not equality: “seen from” says what may be hidden
        </dd>
        <dt>too-few</dt>
        <dd>nothing can be said; measure more</dd>
      </dl>
    </>
  )
}

function ClearSides() {
  const navigate = useNavigate({ from: '/analytics' })
  return (
    <button
      type="button"
      className="quiet"
      onClick={() =>
        void navigate({ search: ({ a: _a, b: _b, ...rest }) => rest, resetScroll: false })
      }
    >
      Clear both sides
    </button>
  )
}

/** Who is on a side; each can be taken away, and its repeats added. */
function Side({ side }: { side: SideName }) {
  const { ids, change } = useSide(side)
  const addRepeats = useMutation({
    mutationFn: async () => (await Promise.all(ids.map((id) => seriesOf(id)))).flat(),
  })
  const add = (): void =>
    addRepeats.mutate(undefined, {
      // Not called once the page is left, to which it would lead back.
      onSuccess: (repeats) => change((old) => [...old, ...repeats]),
    })
  const name = side.toUpperCase()
  return (
    <div>
      <strong>{name}</strong> {ids.length === 0 && <span className="hint">nobody yet</span>}
      {ids.map((id) => (
        <button
          key={id}
          type="button"
          className="quiet"
          onClick={() => change((old) => old.filter((each) => each !== id))}
          aria-label={`Take ${id} off side ${name}`}
        >
          {id} ✕
        </button>
      ))}
      {ids.length > 0 && (
        <button
          type="button"
          className="quiet"
          onClick={add}
          disabled={addRepeats.isPending}
          aria-busy={addRepeats.isPending}
        >
          Add its repeats
        </button>
      )}
      {addRepeats.isError && (
        <p className="note bad" role="alert">
          The repeats are not known: {messageOf(addRepeats.error)}
        </p>
      )}
    </div>
  )
}
