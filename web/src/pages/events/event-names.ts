import type * as contracts from '@corroport/contracts'

type Values = (typeof contracts)[keyof typeof contracts]
/** The subjects of the catalogue: a new event does not compile until it is suggested below. */
type Template = Extract<Values, { kind: 'record' | 'hint' }>['template']

const templates: Record<Template, true> = {
  'corro.ack.failed.{nodeId}': true,
  'corro.ack.received.{nodeId}': true,
  'corro.ack.sent.{nodeId}': true,
  'corro.audit.noted.{nodeId}': true,
  'corro.change.observed.{nodeId}': true,
  'corro.clock.sampled.{nodeId}': true,
  'corro.cluster.changed.{nodeId}': true,
  'corro.config.applied.{nodeId}': true,
  'corro.config.rejected.{nodeId}': true,
  'corro.config.rolled-back.{nodeId}': true,
  'corro.dead.{service}': true,
  'corro.experiment.finished.{experimentId}': true,
  'corro.experiment.started.{experimentId}': true,
  'corro.hint.ack.requested.{nodeId}': true,
  'corro.hint.backend.{nodeId}': true,
  'corro.hint.edge.{nodeId}': true,
  'corro.hint.experiment.{experimentId}': true,
  'corro.hint.node.{nodeId}': true,
  'corro.hint.removed.{nodeId}': true,
  'corro.hint.route.{nodeId}': true,
  'corro.hint.view.{nodeId}': true,
  'corro.lifecycle.failed.{nodeId}': true,
  'corro.lifecycle.ready.{nodeId}': true,
  'corro.lifecycle.restarting.{nodeId}': true,
  'corro.member.changed.{nodeId}': true,
  'corro.member.moved.{nodeId}': true,
  'corro.member.removed.{nodeId}': true,
  'corro.message.accepted.{nodeId}': true,
  'corro.message.failed.{nodeId}': true,
  'corro.message.received.{nodeId}': true,
  'corro.message.sent.{nodeId}': true,
  'corro.message.skipped.{nodeId}': true,
  'corro.message.suspected.{nodeId}': true,
  'corro.node.sampled.{nodeId}': true,
  'corro.operation.changed.{nodeId}': true,
  'corro.partition.healed.{nodeId}': true,
  'corro.partition.suspected.{nodeId}': true,
  'corro.rollout.changed.{nodeId}': true,
  'corro.share.ended.{nodeId}': true,
  'corro.subscription.audited.{nodeId}': true,
  'corro.subscription.gapped.{nodeId}': true,
  'corro.subscription.live.{nodeId}': true,
  'corro.subscription.lost.{nodeId}': true,
  'corro.subscription.paused.{nodeId}': true,
  'corro.subscription.resumed.{nodeId}': true,
}

/** For suggestions: each event on all nodes. */
export const eventFilters = Object.keys(templates).map((template) =>
  template.replaceAll(/\{\w+\}/g, '*'),
)
