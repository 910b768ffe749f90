import { type FormEvent, useState } from 'react'
import { Dialog } from '../components/Dialog.tsx'
import { Field } from '../components/Field.tsx'
import { formatTime, type Zone, zoneName } from '../format/time.ts'
import { usePreferences } from './preferences.ts'
import {
  defaultRange,
  lengthOf,
  ranges,
  type TimeRange,
  useSetRange,
  useTimeRange,
} from './time-range.ts'

// The own one stands beside the way to change it: nothing happens when what is chosen is chosen again.
const own = 'own'
const other = 'other'

/** The one control of time: of which moments the pages tell. */
export function RangeControl() {
  const range = useTimeRange()
  const setRange = useSetRange()
  const { zone } = usePreferences()
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <label className="compact">
        <span className="unseen">Time range</span>
        <select
          value={isListed(range.range) ? range.range : own}
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
          {!isListed(range.range) && <option value={own}>{describe(range, zone)}</option>}
          <option value={other}>other …</option>
        </select>
      </label>
      {isOpen && <OtherRange now={range} zone={zone} onClose={() => setOpen(false)} />}
    </>
  )
}

function isListed(range: string | undefined): boolean {
  return ranges.some((each) => each === range)
}

const toTheSecond = { withMilliseconds: false }

function describe({ range, since, until = '' }: TimeRange, zone: Zone): string {
  if (range !== undefined) return `last ${range}`
  return `${formatTime(since(), zone, toTheSecond)} – ${formatTime(until, zone, toTheSecond)}`
}

interface OtherRangeProps {
  /** Where it begins. */
  now: TimeRange
  zone: Zone
  onClose: () => void
}

function OtherRange({ now, zone, onClose }: OtherRangeProps) {
  const setRange = useSetRange()
  const [length, setLength] = useState(isListed(now.range) ? '' : (now.range ?? ''))
  const [from, setFrom] = useState(now.until === undefined ? '' : typedOf(now.since(), zone))
  const [to, setTo] = useState(now.until === undefined ? '' : typedOf(now.until, zone))
  const [wrong, setWrong] = useState<{ length?: string; to?: string }>({})

  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (length !== '') {
      const isBoth = from !== '' || to !== ''
      if (isBoth || lengthOf(length) === undefined) {
        const form = 'a number and m, h or d, up to 28d: 45m, 3h'
        setWrong({ length: isBoth ? 'give this or the two moments, not both' : form })
        return
      }
      setRange({ range: length })
    } else {
      const [start, end] = [momentOf(from, zone), momentOf(to, zone)]
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
        <p>or between two moments, {zoneName(zone)}:</p>
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

/** As a field of moments has it. */
function typedOf(at: string, zone: Zone): string {
  return formatTime(at, zone, toTheSecond).replace(' ', 'T')
}

function momentOf(typed: string, zone: Zone): number {
  return Date.parse(zone === 'utc' ? `${typed}Z` : typed)
}
