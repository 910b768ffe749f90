/** What a page may want of `GET /api/events?topics=`, and the subjects of each. */
export const liveTopics = {
  messages: ['corro.message.>', 'corro.ack.>'],
  changes: ['corro.change.>'],
  cluster: [
    'corro.member.>',
    'corro.cluster.>',
    'corro.lifecycle.>',
    'corro.subscription.>',
    'corro.partition.>',
  ],
  operations: [
    'corro.operation.>',
    'corro.rollout.>',
    'corro.config.>',
    'corro.audit.>',
    'corro.build.audited.>',
    'corro.dead.>',
  ],
  experiments: ['corro.experiment.>', 'corro.share.>', 'corro.hint.experiment.>'],
  clocks: ['corro.clock.>'],
  samples: ['corro.node.>'],
  presence: ['corro.hint.node.>'],
  edge: ['corro.hint.edge.>', 'corro.hint.backend.>', 'corro.hint.route.>'],
  builds: ['corro.build.>', 'corro.worker.>', 'corro.hint.builds.>'],
} as const satisfies Record<string, readonly string[]>

export type LiveTopic = keyof typeof liveTopics
