import { Environment as ackSenderVariables } from '@corroport/ack-sender/config.ts'
import * as ackSender from '@corroport/ack-sender/service.ts'
import { Environment as analyticsVariables } from '@corroport/analytics/config.ts'
import * as analytics from '@corroport/analytics/service.ts'
import { Environment as buildControllerVariables } from '@corroport/build-controller/config.ts'
import * as buildController from '@corroport/build-controller/service.ts'
import { Environment as configManagerVariables } from '@corroport/config-manager/config.ts'
import * as configManager from '@corroport/config-manager/service.ts'
import * as contracts from '@corroport/contracts'
import { Environment as edgeProxyVariables } from '@corroport/edge-proxy/config.ts'
import * as edgeProxy from '@corroport/edge-proxy/service.ts'
import { Environment as gatewayVariables } from '@corroport/gateway/config.ts'
import * as gateway from '@corroport/gateway/service.ts'
import { Environment as subscriberVariables } from '@corroport/subscriber/config.ts'
import * as subscriber from '@corroport/subscriber/service.ts'
import type { TObject } from 'typebox'

export type Templates = readonly { readonly template: string }[]

/** What a service's `service.ts` exports about itself. */
export interface Voice {
  name: string
  says?: Templates
  hears?: Templates
  asks?: Templates
  answers?: Templates
}

export interface Service extends Voice {
  variables: TObject
  stores: string
  ports: string
}

export const services: Service[] = [
  {
    ...subscriber,
    name: 'subscriber',
    variables: subscriberVariables,
    stores: 'shadow of the rows, what was told (SQLite)',
    ports: '–',
  },
  {
    ...ackSender,
    name: 'ack-sender',
    variables: ackSenderVariables,
    stores: 'receipts, acknowledgements owed (SQLite)',
    ports: '–',
  },
  {
    ...configManager,
    name: 'config-manager',
    variables: configManagerVariables,
    stores: "its agent's file; changes, operations, rollouts (SQLite); its row in `node_configs`",
    ports: '–',
  },
  {
    ...gateway,
    name: 'gateway',
    variables: gatewayVariables,
    stores: 'messages and acknowledgements of its node (SQLite)',
    ports: 'API 4000+n, acknowledgements 5000+n',
  },
  {
    ...analytics,
    name: 'analytics',
    variables: analyticsVariables,
    stores: 'every record, experiments and their figures (Postgres)',
    ports: '–',
  },
  {
    ...edgeProxy,
    name: 'edge-proxy',
    variables: edgeProxyVariables,
    stores: 'rows in `backends` that were registered with it',
    ports: 'TCP 7080, API 7081',
  },
  {
    ...buildController,
    name: 'build-controller',
    variables: buildControllerVariables,
    stores: 'queue, workers, logs (Postgres); sources, certificates, results (folder)',
    ports: 'API 4444',
  },
]

const { deadLettered, definitionsAmong } = contracts
const stored = definitionsAmong(Object.values(contracts)).filter(
  (definition) => definition.kind === 'record' && definition !== deadLettered,
)

/** Services, and the bus, which buries for each of them what it refused. Analytics hears all records. */
export const voices: Voice[] = [
  ...services,
  { name: 'analytics', hears: stored },
  { name: 'bus', says: [deadLettered] },
]
