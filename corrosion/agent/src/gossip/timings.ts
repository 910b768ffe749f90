/** Milliseconds, as Corrosion v1.0.0 has them where it has the same thing. */
export interface GossipTimings {
  connectMs: number
  /** Between two attempts to connect to the same address. */
  redialMs: number
  probeEveryMs: number
  /** Then others are asked to probe. */
  probeAnswerMs: number
  /** From Suspect to Down, for up to ten members. */
  suspicionMs: number
  membersEveryMs: number
  announceMinMs: number
  announceMaxMs: number
  announceLaterMs: number
  announceToDownMs: number
  forgetDownMs: number
  rememberEveryMs: number
  pushEveryMs: number
  /** Times the number of times that it was sent. */
  pushAgainMs: number
  applyWaitMs: number
  syncMinMs: number
  syncMaxMs: number
  /** Until the first answer of a session. */
  syncOpenMs: number
  /** Of silence within a session. */
  syncIdleMs: number
  syncTimeoutMs: number
  leaveMs: number
}

export const corrosionTimings: GossipTimings = {
  connectMs: 5_000,
  redialMs: 1_000,
  probeEveryMs: 5_000,
  probeAnswerMs: 3_000,
  suspicionMs: 30_000,
  membersEveryMs: 500,
  announceMinMs: 5_000,
  announceMaxMs: 120_000,
  announceLaterMs: 300_000,
  announceToDownMs: 125_000,
  forgetDownMs: 48 * 3_600_000,
  rememberEveryMs: 60_000,
  pushEveryMs: 500,
  pushAgainMs: 100,
  // 10 in Corrosion, whose changes are then told in half the time that ours take.
  applyWaitMs: 5,
  syncMinMs: 1_000,
  syncMaxMs: 15_000,
  syncOpenMs: 5_000,
  syncIdleMs: 30_000,
  syncTimeoutMs: 300_000,
  leaveMs: 5_000,
}
