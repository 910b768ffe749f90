import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useId, useState } from 'react'
import { nodesQuery } from '../api/queries.ts'
import { Dialog } from '../components/Dialog.tsx'
import { places } from './places.ts'
import { setPreferences } from './preferences.ts'

interface Action {
  title: string
  hint?: string
  run: () => void
}

const mostShown = 12

/** Everything that can be reached, by typing a part of its name. */
export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const actions = useActions(onHelp)
  const [text, setText] = useState('')
  const [marked, setMarked] = useState(0)
  const id = useId()
  const words = text.toLowerCase().split(/\s+/)
  const fitting = actions.filter(({ title }) =>
    words.every((word) => title.toLowerCase().includes(word)),
  )
  // The keys go no further than what is to be seen.
  const found = fitting.slice(0, mostShown)
  const chosen = Math.min(marked, found.length - 1)

  const run = (action: Action | undefined): void => {
    if (!action) return
    onClose()
    action.run()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setMarked(Math.min(chosen + 1, found.length - 1))
    else if (event.key === 'ArrowUp') setMarked(Math.max(chosen - 1, 0))
    else if (event.key === 'Enter') run(found[chosen])
    else return
    event.preventDefault()
  }

  return (
    <Dialog title="Go to or do" onClose={onClose} className="palette">
      <input
        role="combobox"
        aria-label="Go to or do"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        placeholder="node2, query, dark …"
        value={text}
        onChange={({ target }) => {
          setText(target.value)
          setMarked(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div role="listbox" className="options" id={`${id}-list`} aria-label="Found">
        {found.map((action, index) => (
          <button
            type="button"
            key={action.title}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => run(action)}
          >
            {action.title}
            {action.hint !== undefined && <kbd>{action.hint}</kbd>}
          </button>
        ))}
      </div>
      {found.length === 0 && <p className="empty">Nothing is called that.</p>}
      {fitting.length > found.length && (
        <p className="hint">{fitting.length - found.length} more: type more of the name.</p>
      )}
    </Dialog>
  )
}

function useActions(onHelp: () => void): Action[] {
  const navigate = useNavigate()
  const { data } = useQuery({ ...nodesQuery, refetchInterval: false })
  return [
    ...places.map(({ to, title, key }) => ({
      title,
      hint: `g ${key}`,
      run: () => void navigate({ to }),
    })),
    { title: 'Send a message', run: () => void navigate({ to: '/messages', hash: 'send' }) },
    { title: 'Run an experiment', run: () => void navigate({ to: '/analytics', hash: 'start' }) },
    ...(data?.nodes ?? []).map(({ node_id }) => ({
      title: `Node ${node_id}`,
      run: () => void navigate({ to: '/node', search: { node: node_id } }),
    })),
    { title: 'Theme: dark', run: () => setPreferences({ theme: 'dark' }) },
    { title: 'Theme: light', run: () => setPreferences({ theme: 'light' }) },
    { title: 'Theme: as the system has it', run: () => setPreferences({ theme: 'system' }) },
    { title: 'Times: UTC', run: () => setPreferences({ zone: 'utc' }) },
    { title: 'Times: local', run: () => setPreferences({ zone: 'local' }) },
    { title: 'Help', hint: '?', run: onHelp },
  ]
}
