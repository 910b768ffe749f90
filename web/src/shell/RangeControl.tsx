import { type FormEvent, useState } from 'react'
import { Dialog } from '../components/Dialog.tsx'
import { Field } from '../components/Field.tsx'
import { defaultRange, lengthOf, ranges, useSetRange, useTimeRange } from './time-range.ts'

const other = 'other'

/** The one control of time: of which moments the pages tell. */
export function RangeControl() {
  const { range, key } = useTimeRange()
  const setRange = useSetRange()
  const [isOpen, setOpen] = useState(false)
  const isListed = ranges.some((each) => each === range)
  return (
    <>
      <label className="compact">
        <span className="unseen">Time range</span>
        <select
          value={isListed ? range : other}
          onChange={({ target }) => {
            if (target.value === other) setOpen(true)
            else setRange(target.value === defaultRange ? {} : { range: target.value })
          }}
        >
          {ranges.map((each) => (
            <option key={each} value={each}>
              last {each}
            </option>
          ))}
          <option value={other}>{isListed ? 'other …' : key}</option>
        </select>
      </label>
      {isOpen && <OtherRange onClose={() => setOpen(false)} />}
    </>
  )
}

function OtherRange({ onClose }: { onClose: () => void }) {
  const setRange = useSetRange()
  const [length, setLength] = useState('')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [wrong, setWrong] = useState<{ length?: string; to?: string }>({})

  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (length !== '') {
      if (lengthOf(length) === undefined) {
        setWrong({ length: 'a number and m, h or d, up to 28d: 45m, 3h' })
        return
      }
      setRange({ range: length })
    } else {
      const [start, end] = [Date.parse(from), Date.parse(to)]
      if (!(start < end)) {
        setWrong({ to: 'give both, and a beginning before the end' })
        return
      }
      setRange({ from: new Date(start).toISOString(), to: new Date(end).toISOString() })
    }
    onClose()
  }

  return (
    <Dialog title="Time range" onClose={onClose}>
      <form onSubmit={submit}>
        <Field
          label="Up to now, for"
          placeholder="45m"
          value={length}
          error={wrong.length}
          onChange={({ target }) => setLength(target.value)}
        />
        <p>or between two moments, in the time of this machine:</p>
        <Field
          label="From"
          type="datetime-local"
          step="1"
          value={from}
          onChange={({ target }) => setFrom(target.value)}
        />
        <Field
          label="To"
          type="datetime-local"
          step="1"
          value={to}
          error={wrong.to}
          onChange={({ target }) => setTo(target.value)}
        />
        <footer>
          <button type="submit" className="primary">
            Show
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
