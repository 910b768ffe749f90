import { useLocation, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useRefusal } from '../../shell/refusal.ts'
import { ComparisonPanel } from './ComparisonPanel.tsx'
import { ExperimentPanel } from './ExperimentPanel.tsx'
import { HistoryPanel } from './HistoryPanel.tsx'
import { ImportDialog } from './ImportDialog.tsx'
import { StartForm } from './StartForm.tsx'
import { useExperimentEvents } from './useExperimentEvents.ts'
import './analytics.css'

/** Experiments: begun, followed, looked into, and held against each other. */
export function AnalyticsPage() {
  const { experiment, a, b } = useSearch({ from: '/analytics' })
  const navigate = useNavigate({ from: '/analytics' })
  const isStarting = useLocation({ select: ({ hash }) => hash === 'start' })
  const [isFormShown, setFormShown] = useState(isStarting)
  const [isImporting, setImporting] = useState(false)
  const refusal = useRefusal('operator')
  useExperimentEvents()

  const choose = (id: string | undefined): void =>
    void navigate({
      search: ({ experiment: _experiment, after: _after, transport: _transport, ...rest }) =>
        id === undefined ? rest : { ...rest, experiment: id },
      resetScroll: false,
    })
  // The address opens the form; what is typed outlives the links of this page, which drop the hash.
  const [wasStarting, setWasStarting] = useState(isStarting)
  if (isStarting !== wasStarting) {
    setWasStarting(isStarting)
    if (isStarting) setFormShown(true)
  }
  const showForm = (isShown: boolean): void => {
    setFormShown(isShown)
    void navigate({
      search: (search) => search,
      hash: isShown ? 'start' : '',
      replace: true,
      resetScroll: false,
    })
  }

  return (
    <>
      <h1>Analytics</h1>
      <div className="toolbar">
        <button type="button" aria-expanded={isFormShown} onClick={() => showForm(!isFormShown)}>
          {isFormShown ? 'Close the form' : 'New experiment'}
        </button>
        <button
          type="button"
          onClick={() => setImporting(true)}
          disabled={refusal !== undefined}
          title={refusal}
        >
          Import a file …
        </button>
      </div>
      {isFormShown && (
        <StartForm
          onStarted={(id) => {
            setFormShown(false)
            choose(id)
          }}
        />
      )}
      {experiment !== undefined && (
        <ExperimentPanel key={experiment} id={experiment} onClose={() => choose(undefined)} />
      )}
      {(a !== undefined || b !== undefined) && <ComparisonPanel />}
      <HistoryPanel onStart={() => showForm(true)} />
      {isImporting && <ImportDialog onImported={choose} onClose={() => setImporting(false)} />}
    </>
  )
}
