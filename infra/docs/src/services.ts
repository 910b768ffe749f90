import * as ackSender from '@corroport/ack-sender/service.ts'
import * as configManager from '@corroport/config-manager/service.ts'
import { deadLettered } from '@corroport/contracts'
import * as gateway from '@corroport/gateway/service.ts'
import * as subscriber from '@corroport/subscriber/service.ts'

type Templates = readonly { readonly template: string }[]

/** What a service's `service.ts` exports about itself. */
export interface Voice {
  name: string
  says?: Templates
  hears?: Templates
  asks?: Templates
  answers?: Templates
}

export interface Service extends Voice {
  stores: string
  ports: string
}

export const services: Service[] = [
  {
    ...subscriber,
    name: 'subscriber',
    stores: 'shadow of the rows, what was told (SQLite)',
    ports: '–',
  },
  {
    ...ackSender,
    name: 'ack-sender',
    stores: 'receipts, acknowledgements owed (SQLite)',
    ports: '–',
  },
  {
    ...configManager,
    name: 'config-manager',
    stores: "its node's row in `node_configs`",
    ports: '–',
  },
  {
    ...gateway,
    name: 'gateway',
    stores: 'messages and acknowledgements of its node (SQLite)',
    ports: 'API 4000+n, acknowledgements 5000+n',
  },
]

/** Services, and the bus, which buries for each of them what it refused. */
export const voices: Voice[] = [...services, { name: 'bus', says: [deadLettered] }]
