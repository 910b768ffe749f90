import './cluster.css'
import { Convergence } from './Convergence.tsx'
import { Definitions } from './Definitions.tsx'
import { Disagreements } from './Disagreements.tsx'
import { Members } from './Members.tsx'
import { Membership } from './Membership.tsx'
import { RoundTrips } from './RoundTrips.tsx'
import { StatusVector } from './StatusVector.tsx'

/** How the planes do, who belongs to the cluster, and where those who know disagree. */
export function ClusterPage() {
  return (
    <>
      <h1>Cluster</h1>
      <Disagreements />
      <StatusVector />
      <Members />
      <RoundTrips />
      <Convergence />
      <Membership />
      <Definitions />
    </>
  )
}
