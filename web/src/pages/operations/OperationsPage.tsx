import { useSearch } from '@tanstack/react-router'
import { Tabs } from '../../components/Tabs.tsx'
import { AuditTrail } from './AuditTrail.tsx'
import { DeadLetters } from './DeadLetters.tsx'
import { Ledger } from './Ledger.tsx'
import { NodeOperations } from './NodeOperations.tsx'
import { Rollouts } from './Rollouts.tsx'
import { type Tab, tabs } from './search.ts'
import './operations.css'

const titles: Record<Tab, string> = {
  rollouts: 'Rollouts',
  nodes: 'Operations of nodes',
  audit: 'Audit trail',
  dead: 'Dead letters',
  ledger: 'Ledger',
}
const parts = {
  rollouts: Rollouts,
  nodes: NodeOperations,
  audit: AuditTrail,
  dead: DeadLetters,
  ledger: Ledger,
}

export function OperationsPage() {
  const { tab = 'rollouts' } = useSearch({ from: '/operations' })
  const Part = parts[tab]
  return (
    <>
      <h1>Operations</h1>
      <Tabs label="Parts of the operations" {...{ tabs, titles }} chosen={tab} />
      <Part />
    </>
  )
}
