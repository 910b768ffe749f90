import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createGatewayMetrics>

/** Every name that the gateway measures under. `read` is asked at each scrape. */
export function createGatewayMetrics(
  registry: Registry,
  read: {
    trackedMessages(): number
    unconfirmedEvents(): number
    liveReaders(): number
    runningShares(): number
  },
) {
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number): void => {
    const instrument: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => instrument.set(value()),
    })
  }
  gauge('corro_tracked_messages', 'Messages whose acknowledgements are counted', () =>
    read.trackedMessages(),
  )
  gauge('corro_gateway_unconfirmed_events', 'Events that NATS has not confirmed', () =>
    read.unconfirmedEvents(),
  )
  gauge('corro_live_readers', 'Open streams of events', () => read.liveReaders())
  gauge('corro_running_shares', 'Experiments for which this node sends', () => read.runningShares())
  return {
    shareDelay: new Histogram({
      name: 'corro_share_delay_seconds',
      help: 'Messages of experiments: sent less intended',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15],
      registers,
    }),
    sent: new Counter({
      name: 'corro_message_sent_total',
      help: 'Messages by how sending them ended',
      labelNames: ['transport', 'outcome'],
      registers,
    }),
    acks: new Counter({
      name: 'corro_ack_arrived_total',
      help: 'Acknowledgements that came, by what was done with them',
      labelNames: ['transport', 'outcome'],
      registers,
    }),
    roundTrip: new Histogram({
      name: 'corro_ack_round_trip_seconds',
      help: 'From arming a message to the arrival of an acknowledgement',
      labelNames: ['transport'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60],
      registers,
    }),
    refused: new Counter({
      name: 'corro_gateway_refused_total',
      help: 'Requests refused for who sent them or how often, by status',
      labelNames: ['status'],
      registers,
    }),
    socketsRefused: new Counter({
      name: 'corro_gateway_sockets_refused_total',
      help: 'Connections ended at once, since too many are open',
      registers,
    }),
    requests: new Histogram({
      name: 'corro_gateway_request_seconds',
      help: 'HTTP requests by route',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
  }
}
