import { collectDefaultMetrics, Registry } from 'prom-client'

/** The metrics of one process: Node's own (event loop, heap, handles) and those of its services. */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}
