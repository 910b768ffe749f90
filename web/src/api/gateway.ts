import type {
  AgentInspectionReply,
  BuildControllersReply,
  BuildLogReply,
  BuildReply,
  BuildSteeredReply,
  BuildsReply,
  BuildThroughputReply,
  BuildWorkersReply,
  ClocksReply,
  ClusterStatus,
  ConfigReply,
  ConvergenceReply,
  DeadLetterDeletedReply,
  DeadLetterReply,
  DeadLettersReply,
  DiagnosisReply,
  EdgeBackendChange,
  EdgeBackendReply,
  EdgeBackendsReply,
  EdgeDecisionsReply,
  EdgesReply,
  EdgeWhyReply,
  LedgerReply,
  MembersReply,
  MessageDetailReply,
  MessageLifeReply,
  MessagesReply,
  NodeReply,
  NodesReply,
  OperationReply,
  OperationsReply,
  PlanReply,
  PropagationReply,
  QueryReply,
  QueryRequest,
  QuerySource,
  ReceptionsReply,
  RecordsReply,
  RedriveReply,
  RelationsReply,
  ResetReply,
  RolloutReply,
  RolloutsReply,
  RoundTripsReply,
  SendReply,
  SessionReply,
  SightsReply,
} from '@corroport/contracts'
import { ask } from './http.ts'

interface MessageFilter {
  node?: string | undefined
  region?: string | undefined
  since?: string | undefined
  until?: string | undefined
  before?: string | undefined
  limit?: number
}

interface RecordFilter {
  subjects: string
  since?: string | undefined
  until?: string | undefined
  limit?: number
}

interface PropagationFilter {
  table?: string | undefined
  node?: string | undefined
  hours: number
  after?: string | undefined
}

export interface Edit {
  bootstrap?: string[]
  settings?: Record<string, string | number | boolean | string[] | null>
}

const segment = encodeURIComponent

/** Every route that pages use, with the answer it gives. Throws `RefusedError` or `UnreachedError`. */
export const gateway = {
  session: () => ask<SessionReply>('/api/session'),
  signIn: (token: string) => ask<SessionReply>('/api/session', { body: { token } }),
  signOut: () => ask<SessionReply>('/api/session', { method: 'DELETE' }),

  status: () => ask<ClusterStatus>('/api/cluster/status'),
  members: () => ask<MembersReply>('/api/cluster/members'),
  sights: (id: string) => ask<SightsReply>(`/api/cluster/members/${segment(id)}/sights`),
  roundTrips: () => ask<RoundTripsReply>('/api/cluster/round-trips'),
  convergence: () => ask<ConvergenceReply>('/api/cluster/convergence'),
  nodes: () => ask<NodesReply>('/api/nodes'),
  node: (id: string) => ask<NodeReply>(`/api/nodes/${segment(id)}`),
  diagnosis: (id: string) => ask<DiagnosisReply>(`/api/nodes/${segment(id)}/diagnose`),
  agentOf: (id: string) => ask<AgentInspectionReply>(`/api/nodes/${segment(id)}/agent`),

  sendMessage: (content: string, transport: 'gossip' | 'direct') =>
    ask<SendReply>(transport === 'gossip' ? '/api/messages/send' : '/api/messages/send_direct', {
      body: { content },
    }),
  resetTracking: () => ask<ResetReply>('/api/tracking/reset', { method: 'POST' }),
  messages: (filter: MessageFilter) =>
    ask<MessagesReply>('/api/messages', { query: { ...filter } }),
  message: (pk: string) => ask<MessageDetailReply>(`/api/messages/${segment(pk)}`),
  messageLife: (pk: string) => ask<MessageLifeReply>(`/api/messages/${segment(pk)}/life`),
  receptions: (query: { node?: string; min?: number; limit?: number; pk?: string }) =>
    ask<ReceptionsReply>('/api/receptions', { query }),

  deadLetters: (before: number | undefined) =>
    ask<DeadLettersReply>('/api/dead', { query: { before } }),
  deadLetter: (sequence: number) => ask<DeadLetterReply>(`/api/dead/${sequence}`),
  redrive: (sequence: number) =>
    ask<RedriveReply>(`/api/dead/${sequence}/redrive`, { method: 'POST' }),
  deleteDeadLetter: (sequence: number) =>
    ask<DeadLetterDeletedReply>(`/api/dead/${sequence}`, { method: 'DELETE' }),
  ledger: () => ask<LedgerReply>('/api/analytics/ledger'),

  records: (filter: RecordFilter) => ask<RecordsReply>('/api/records', { query: { ...filter } }),

  query: (body: QueryRequest, bounds: { signal: AbortSignal; timeoutMs: number }) =>
    ask<QueryReply>('/api/query', { body, ...bounds }),
  relations: (source: QuerySource) =>
    ask<RelationsReply>('/api/query/relations', { query: { source } }),
  clocks: (query: { node?: string | undefined; hours?: number }) =>
    ask<ClocksReply>('/api/clocks', { query }),
  propagation: (query: PropagationFilter) =>
    ask<PropagationReply>('/api/propagation', { query: { ...query } }),

  edges: () => ask<EdgesReply>('/api/edge'),
  edgeBackends: (pop: string, query: { app?: string | undefined; limit: number }) =>
    ask<EdgeBackendsReply>(`/api/edge/${segment(pop)}/backends`, { query: { ...query } }),
  edgeWhy: (
    pop: string,
    query: { client: string; app?: string | undefined; without?: string | undefined },
  ) => ask<EdgeWhyReply>(`/api/edge/${segment(pop)}/why`, { query: { ...query } }),
  edgeDecisions: (pop: string, limit: number) =>
    ask<EdgeDecisionsReply>(`/api/edge/${segment(pop)}/decisions`, { query: { limit } }),
  changeBackend: (id: string, change: EdgeBackendChange, at: string | undefined) =>
    ask<EdgeBackendReply>(`/api/edge/backends/${segment(id)}`, {
      method: 'PATCH',
      query: { at },
      body: change,
    }),
  removeBackend: (id: string, at: string | undefined) =>
    ask<{ id: string }>(`/api/edge/backends/${segment(id)}`, { method: 'DELETE', query: { at } }),

  buildControllers: () => ask<BuildControllersReply>('/api/builds/controllers'),
  builds: (query: {
    status?: string | undefined
    platform?: string | undefined
    worker?: string | undefined
    limit: number
  }) => ask<BuildsReply>('/api/builds', { query: { ...query } }),
  build: (id: string) => ask<BuildReply>(`/api/builds/${segment(id)}`),
  buildLog: (id: string, after: number) =>
    ask<BuildLogReply>(`/api/builds/${segment(id)}/log`, { query: { after } }),
  buildWorkers: () => ask<BuildWorkersReply>('/api/builds/workers'),
  buildThroughput: (hours: number) =>
    ask<BuildThroughputReply>('/api/builds/throughput', { query: { hours } }),
  steerBuild: (id: string, to: 'cancel' | 'retry') =>
    ask<BuildSteeredReply>(`/api/builds/${segment(id)}/${to}`, { method: 'POST' }),
  steerWorker: (id: string, to: 'drain' | 'resume') =>
    ask<{ id: string }>(`/api/builds/workers/${segment(id)}/${to}`, { method: 'POST' }),

  config: (node: string) => ask<ConfigReply>('/api/config', { query: { node } }),
  plan: (edit: Edit, nodes: 'all' | string[]) =>
    ask<PlanReply>('/api/config/plan', { body: { ...edit, nodes } }),
  apply: (planId: string) =>
    ask<RolloutReply>('/api/config/apply', { body: { plan_id: planId, confirm: planId } }),
  rollouts: () => ask<RolloutsReply>('/api/config/rollouts'),
  rollout: (id: string) => ask<RolloutReply>(`/api/config/rollouts/${segment(id)}`),
  steer: (id: string, action: 'pause' | 'resume' | 'abort') =>
    ask<RolloutReply>(`/api/config/rollouts/${segment(id)}/${action}`, { method: 'POST' }),
  rollback: (node: string) =>
    ask<OperationReply>('/api/config/rollback', { body: { node_id: node } }),
  restoreCanonical: (node: string) =>
    ask<OperationReply>('/api/config/restore', { body: { node_id: node } }),
  restart: (node: string, reason?: string) =>
    ask<OperationReply>('/api/node/restart', {
      body: { node_id: node, ...(reason === undefined ? {} : { reason }) },
    }),
  join: (seeds: string[]) => ask<OperationReply>('/api/cluster/join', { body: { seeds } }),
  leave: (confirm: string) => ask<OperationReply>('/api/cluster/leave', { body: { confirm } }),
  remove: (node: string, force: boolean) =>
    ask<OperationReply>('/api/cluster/remove', {
      body: { node_id: node, confirm: node, ...(force ? { force } : {}) },
    }),
  wipe: (confirm: string) => ask<OperationReply>('/api/cluster/wipe', { body: { confirm } }),
  operations: (node: string) =>
    ask<OperationsReply>('/api/cluster/operations', { query: { node } }),
  operation: (id: string) => ask<OperationReply>(`/api/cluster/operations/${segment(id)}`),
}
