import { Link, useSearch } from '@tanstack/react-router'
import { AuditTrail } from './AuditTrail.tsx'
import { DeadLetters } from './DeadLetters.tsx'
import { Ledger } from './Ledger.tsx'
import { NodeOperations } from './NodeOperations.tsx'
import './operations.css'
import { Rollouts } from './Rollouts.tsx'
import type { Tab } from './search.ts'

const titles: Record<Tab, string> = {
  rollouts: 'Rollouts',
  nodes: 'Operations of nodes',
  audit: 'Audit trail',
  dead: 'Dead letters',
  ledger: 'Ledger',
}
const parts: Record<Tab, () => React.ReactNode> = {
  rollouts: () => <Rollouts />,
  nodes: () => <NodeOperations />,
  audit: () => <AuditTrail />,
  dead: () => <DeadLetters />,
  ledger: () => <Ledger />,
}

export function OperationsPage() {
  const { tab = 'rollouts' } = useSearch({ from: '/operations' })
  return (
    <>
      <h1>Operations</h1>
      <ul className="operations-tabs">
        {Object.entries(titles).map(([each, title]) => (
          <li key={each}>
            <Link
              from="/operations"
              to="."
              search={(old) => ({ ...old, tab: each as Tab })}
              className={each === tab ? 'chosen' : undefined}
              aria-current={each === tab ? 'page' : undefined}
            >
              {title}
            </Link>
          </li>
        ))}
      </ul>
      {parts[tab]()}
    </>
  )
}
