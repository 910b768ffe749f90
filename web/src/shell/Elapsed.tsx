import { formatDuration } from '../format/time.ts'
import { useGatewayNow } from './gateway-now.ts'

/** How long something has lasted that the gateway or a node began. */
export function Elapsed({ since }: { since: string }) {
  const now = useGatewayNow()
  return <span aria-live="off">{formatDuration(Math.max(0, now - Date.parse(since)))}</span>
}
