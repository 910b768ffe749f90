import { useRef, useState } from 'react'
import { Field } from '../../components/Field.tsx'
import type { SettingDraft } from './edit-draft.ts'

interface SettingRowsProps {
  of: readonly SettingDraft[]
  errors: readonly string[]
  onChange: (settings: SettingDraft[]) => void
}

/** Settings of the file beside the bootstrap list: a name and a value each. */
export function SettingRows({ of, errors, onChange }: SettingRowsProps) {
  const [added, setAdded] = useState<number>()
  const adding = useRef<HTMLButtonElement>(null)
  const change = (key: number, part: Partial<SettingDraft>): void =>
    onChange(of.map((setting) => (setting.key === key ? { ...setting, ...part } : setting)))
  const add = (): void => {
    const key = 1 + Math.max(0, ...of.map((setting) => setting.key))
    setAdded(key)
    onChange([...of, { key, name: '', value: '', isRemoved: false }])
  }
  const leave = (key: number): void => {
    onChange(of.filter((setting) => setting.key !== key))
    // What had the focus is gone.
    adding.current?.focus()
  }
  return (
    <fieldset className="node-settings">
      <legend>Other settings</legend>
      {of.map(({ key, name, value, isRemoved }) => (
        <div className="row" key={key}>
          <Field
            label="Name"
            placeholder="perf.min_sync_backoff"
            value={name}
            autoFocus={key === added}
            onChange={({ target }) => change(key, { name: target.value })}
          />
          <Field
            label="Value"
            placeholder={isRemoved ? 'taken out' : '5, true, "text", ["a", "b"]'}
            value={isRemoved ? '' : value}
            disabled={isRemoved}
            onChange={({ target }) => change(key, { value: target.value })}
          />
          <label className="node-check">
            <input
              type="checkbox"
              checked={isRemoved}
              onChange={({ target }) => change(key, { isRemoved: target.checked })}
            />{' '}
            take it out
          </label>
          <button
            type="button"
            className="quiet"
            aria-label={`Leave ${name || 'this setting'} as it is`}
            onClick={() => leave(key)}
          >
            ✕
          </button>
        </div>
      ))}
      <div className="error" aria-live="polite">
        {errors.map((text) => (
          <p key={text}>{text}</p>
        ))}
      </div>
      <button type="button" ref={adding} onClick={add}>
        Change a setting
      </button>
    </fieldset>
  )
}
