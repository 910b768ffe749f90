import { useGatewayAheadMs } from '../api/gateway-clock.ts'
import { useNow } from '../components/clock.ts'

/** Unix milliseconds of the last full second, by the clock of the gateway. */
export function useGatewayNow(): number {
  return useNow() + useGatewayAheadMs()
}
