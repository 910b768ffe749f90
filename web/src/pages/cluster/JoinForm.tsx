import { type FormEvent, useState } from 'react'
import { messageOf, RefusedError } from '../../api/errors.ts'
import { Field } from '../../components/Field.tsx'
import { CommandTwin } from './CommandTwin.tsx'

/** This node comes back, or comes anew, by members that it is told of. */
export function JoinForm({ onJoin }: { onJoin: (seeds: string[]) => Promise<void> }) {
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const join = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const seeds = text.split(/[\s,]+/).filter((seed) => seed !== '')
    if (seeds.length === 0) {
      setError('give the gossip address of a member: 10.0.0.1:8787')
      return
    }
    setError(undefined)
    setBusy(true)
    try {
      await onJoin(seeds)
    } catch (failure) {
      const problems = failure instanceof RefusedError ? failure.problems : []
      setError(problems.length > 0 ? problems.join('; ') : messageOf(failure))
    }
    setBusy(false)
  }
  return (
    <form onSubmit={(event) => void join(event)}>
      <div className="row">
        <Field
          label="Join by these seeds"
          placeholder="10.0.0.1:8787, 10.0.0.2:8787"
          value={text}
          error={error}
          onChange={({ target }) => setText(target.value)}
        />
        <button type="submit" disabled={isBusy} aria-busy={isBusy}>
          Join
        </button>
        <CommandTwin command="npx corroport cluster join 10.0.0.1:8787 10.0.0.2:8787" />
      </div>
    </form>
  )
}
