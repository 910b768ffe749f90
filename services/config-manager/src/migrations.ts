import { migrations as restarts } from './agent/restart-record.ts'
import { migrations as changes } from './change/change-store.ts'
import { migrations as lifecycle } from './lifecycle/start-lifecycle.ts'
import { migrations as membership } from './membership/membership.ts'
import { migrations as operations } from './operations.ts'
import { migrations as rollouts } from './rollout/rollouts.ts'

/** Of the state file, in the order in which they came. */
export const migrations = [
  ...operations,
  ...restarts,
  ...changes,
  ...rollouts,
  ...membership,
  ...lifecycle,
]
